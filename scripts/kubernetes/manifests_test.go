package kubernetes

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yannh/kubeconform/pkg/validator"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	psa "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const deploy = "../../deploy/kubernetes"

// kustomizations returns the folders that kubectl apply -k can take.
func kustomizations(t *testing.T) []string {
	t.Helper()
	overlays, err := filepath.Glob(deploy + "/overlays/*")
	if err != nil || len(overlays) == 0 {
		t.Fatalf("no overlays: %v", err)
	}
	return append(overlays, deploy+"/base")
}

// build returns what kubectl apply -k would apply.
func build(t *testing.T, dir string) resmap.ResMap {
	t.Helper()
	all, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatalf("kustomize build %s: %v", dir, err)
	}
	return all
}

// each runs a test for each kustomization.
func each(t *testing.T, test func(t *testing.T, all resmap.ResMap)) {
	for _, dir := range kustomizations(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) { test(t, build(t, dir)) })
	}
}

// find decodes the resource of a kind into to. It reports whether there is one.
func find(t *testing.T, all resmap.ResMap, kind string, to any) bool {
	t.Helper()
	for _, r := range all.Resources() {
		if r.GetKind() != kind {
			continue
		}
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.UnmarshalStrict(text, to); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		return true
	}
	return false
}

func deployment(t *testing.T, all resmap.ResMap) (d appsv1.Deployment) {
	t.Helper()
	if !find(t, all, "Deployment", &d) || len(d.Spec.Template.Spec.Containers) != 1 {
		t.Fatal("want one Deployment with one container")
	}
	return d
}

// conform returns kubeconform with the schemas of the kinds in all.
func conform(t *testing.T, all resmap.ResMap) validator.Validator {
	t.Helper()
	from, err := module()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, r := range all.Resources() {
		if err := writeSchema(dir, from, r.GetApiVersion(), r.GetKind()); err != nil {
			t.Fatal(err)
		}
	}
	v, err := validator.New([]string{dir + "/{{ .ResourceKind }}{{ .KindSuffix }}.json"}, validator.Opts{KubernetesVersion: apiVersion, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestKubeconform(t *testing.T) {
	each(t, func(t *testing.T, all resmap.ResMap) {
		text, err := all.AsYaml()
		if err != nil {
			t.Fatal(err)
		}
		valid := 0
		for _, result := range conform(t, all).Validate("manifests.yaml", io.NopCloser(bytes.NewReader(text))) {
			switch result.Status {
			case validator.Valid:
				valid++
			case validator.Empty:
			default:
				t.Errorf("%v\n%s", result.Err, result.Resource.Bytes)
			}
		}
		if valid != all.Size() {
			t.Errorf("%d resources are valid, want %d", valid, all.Size())
		}
	})
}

// kubeconform refuses what Kubernetes would refuse, or would ignore without a word.
func TestKubeconformRefuses(t *testing.T) {
	all := build(t, deploy+"/overlays/autoscaled")
	text, err := all.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	v := conform(t, all)
	for _, change := range [][2]string{
		{"maxUnavailable: 0", "maxUnavailble: 0"},
		{"maxReplicas: 20", "maxReplicas: many"},
		{"  maxReplicas: 20\n", ""},
		{"targetPort: http", "targetPort: [http]"},
		{"drop:", "dropped:"},
		{"podSelector:", "podSelektor:"},
	} {
		if !strings.Contains(string(text), change[0]) {
			t.Errorf("the manifests do not have %q", change[0])
			continue
		}
		changed := strings.Replace(string(text), change[0], change[1], 1)
		refused := false
		for _, result := range v.Validate("manifests.yaml", io.NopCloser(strings.NewReader(changed))) {
			refused = refused || result.Status == validator.Invalid
		}
		if !refused {
			t.Errorf("%q instead of %q is accepted", change[1], change[0])
		}
	}
}

// A namespace that enforces "restricted", the strictest of the Pod Security Standards,
// takes the pods.
func TestPodSecurity(t *testing.T) {
	checks, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		t.Fatal(err)
	}
	level := psa.LevelVersion{Level: psa.LevelRestricted, Version: psa.LatestVersion()}
	each(t, func(t *testing.T, all resmap.ResMap) {
		pod := deployment(t, all).Spec.Template
		for _, result := range checks.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec) {
			if !result.Allowed {
				t.Errorf("%s: %s", result.ForbiddenReason, result.ForbiddenDetail)
			}
		}
		if root := pod.Spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem; root == nil || !*root {
			t.Error("the root file system can be written")
		}
	})
}

// The resources fit together: names, labels and ports.
func TestFit(t *testing.T) {
	each(t, func(t *testing.T, all resmap.ResMap) {
		d := deployment(t, all)
		pod := d.Spec.Template
		ports := map[string]bool{}
		for _, p := range pod.Spec.Containers[0].Ports {
			ports[p.Name] = true
		}
		has := func(what string, selector map[string]string) {
			t.Helper()
			for k, v := range selector {
				if pod.Labels[k] != v {
					t.Errorf("%s selects %s=%s, the pods have %v", what, k, v, pod.Labels)
				}
			}
			if len(selector) == 0 {
				t.Errorf("%s selects all pods of the namespace", what)
			}
		}
		has("the Deployment", d.Spec.Selector.MatchLabels)

		var service corev1.Service
		if find(t, all, "Service", &service) {
			has("the Service", service.Spec.Selector)
			for _, p := range service.Spec.Ports {
				if !ports[p.TargetPort.String()] || p.TargetPort.String() == "admin" {
					t.Errorf("the Service has port %v", p.TargetPort)
				}
			}
		}
		var budget policyv1.PodDisruptionBudget
		if find(t, all, "PodDisruptionBudget", &budget) {
			has("the PodDisruptionBudget", budget.Spec.Selector.MatchLabels)
		}
		var scaler autoscalingv2.HorizontalPodAutoscaler
		if find(t, all, "HorizontalPodAutoscaler", &scaler) {
			if to := scaler.Spec.ScaleTargetRef; to.Kind != "Deployment" || to.Name != d.Name {
				t.Errorf("the HorizontalPodAutoscaler scales %+v", to)
			}
			if d.Spec.Replicas != nil {
				t.Error("the Deployment has replicas, which the HorizontalPodAutoscaler sets")
			}
			if got := scaler.Spec.Metrics[0].Pods.Metric.Name; got != adapterRule(t).Name.As {
				t.Errorf("the HorizontalPodAutoscaler reads %q, the adapter's rule makes %q", got, adapterRule(t).Name.As)
			}
		}
		c := pod.Spec.Containers[0]
		for name, probe := range map[string]*corev1.Probe{"startup": c.StartupProbe, "readiness": c.ReadinessProbe, "liveness": c.LivenessProbe} {
			if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Port.String() != "admin" {
				t.Errorf("the %s probe does not ask the admin port", name)
			}
		}
	})
}

// The pods' times fit together, narwhal takes their settings, and it has no warning.
func TestSettings(t *testing.T) {
	narwhal := buildNarwhal(t)
	each(t, func(t *testing.T, all resmap.ResMap) {
		pod := deployment(t, all).Spec.Template.Spec
		c := pod.Containers[0]
		if c.Lifecycle != nil {
			t.Error("there is a hook: the drain delay makes it unnecessary")
		}
		settings, warnings := narwhal(t, c)
		drain := settings.seconds(t, "drain_delay") + settings.seconds(t, "graceful_timeout")
		if grace := float64(*pod.TerminationGracePeriodSeconds); settings.seconds(t, "drain_delay") == 0 || grace < drain+3 {
			t.Errorf("terminationGracePeriodSeconds is %v, and a stop takes up to %v s", grace, drain)
		}
		if boot, start := settings.seconds(t, "boot_timeout"), c.StartupProbe; float64(start.FailureThreshold*start.PeriodSeconds) < boot {
			t.Errorf("a start may take %v s, and the probe gives up before", boot)
		}
		if want := c.Resources.Requests.Cpu().String(); settings["workers"] != want {
			t.Errorf("%s workers, and %s processors are requested", settings["workers"], want)
		}
		if warnings != "" {
			t.Errorf("narwhal warns: %s", warnings)
		}
	})
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		os.RemoveAll(filepath.Dir(built))
	}
	os.Exit(code)
}
