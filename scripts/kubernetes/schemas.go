package kubernetes

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The API that the manifests are compared with. It is the one of the module
// k8s.io/kubernetes, whose checksum is sum. kubeconform would fetch schemas from GitHub.
const (
	apiVersion = "1.34.4"
	apiSum     = "h1:Yy6R4QB8C9kJPp25GFqEvX5XQwY5qzKeqD0Xx6oAcmk="
)

// module downloads k8s.io/kubernetes, or finds it in the module cache, and returns its folder.
func module() (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", "k8s.io/kubernetes@v"+apiVersion)
	cmd.Dir = os.TempDir() // with a go.mod in the folder, its go.sum would change
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s%s", err, out, exit.Stderr)
	}
	if err != nil {
		return "", fmt.Errorf("download k8s.io/kubernetes: %w", err)
	}
	var got struct{ Dir, Sum string }
	if err := json.Unmarshal(out, &got); err != nil {
		return "", fmt.Errorf("go mod download: %w", err)
	}
	if got.Sum != apiSum {
		return "", fmt.Errorf("k8s.io/kubernetes %s has the checksum %s, want %s", apiVersion, got.Sum, apiSum)
	}
	return got.Dir, nil
}

// writeSchema writes the JSON schema of a kind to dir, as a file with the name that
// kubeconform looks for. It makes the schema of the OpenAPI description in the folder of
// k8s.io/kubernetes.
func writeSchema(dir, module, version, kind string) error {
	group, v, ok := strings.Cut(version, "/")
	name := "apis__" + group + "__" + v
	file := fmt.Sprintf("%s-%s-%s.json", kind, strings.Split(group, ".")[0], v)
	if !ok { // the core API: v1
		group, v, name, file = "", version, "api__"+version, kind+"-"+version+".json"
	}
	text, err := os.ReadFile(filepath.Join(module, "api", "openapi-spec", "v3", name+"_openapi.json"))
	if err != nil {
		return err
	}
	var api struct {
		Components struct {
			Schemas map[string]map[string]any `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(text, &api); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	root := ""
	for id, schema := range api.Components.Schemas {
		strict(schema)
		for _, x := range list(schema["x-kubernetes-group-version-kind"]) {
			if x["group"] == group && x["version"] == v && x["kind"] == kind {
				root = id
			}
		}
	}
	if root == "" {
		return fmt.Errorf("%s has no kind %s", name, kind)
	}
	text, err = json.Marshal(map[string]any{"$ref": "#/definitions/" + root, "definitions": api.Components.Schemas})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, strings.ToLower(file)), text, 0o644)
}

// list returns the objects of an array, or nil.
func list(array any) (objects []map[string]any) {
	all, _ := array.([]any)
	for _, one := range all {
		if o, ok := one.(map[string]any); ok {
			objects = append(objects, o)
		}
	}
	return objects
}

// strict changes references into those of a JSON schema, and forbids fields that the
// description does not have.
func strict(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		if ref, ok := s["$ref"].(string); ok {
			s["$ref"] = strings.Replace(ref, "#/components/schemas/", "#/definitions/", 1)
		}
		if _, ok := s["properties"].(map[string]any); ok && s["additionalProperties"] == nil {
			s["additionalProperties"] = false
		}
		for _, inner := range s {
			strict(inner)
		}
	case []any:
		for _, inner := range s {
			strict(inner)
		}
	}
}
