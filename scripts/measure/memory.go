package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/narwhal-server/narwhal/internal/bench"
)

// memory prints the proportional set size of the server's processes for
// different numbers of workers, after 2000 requests.
func memory(narwhal, model string) error {
	fmt.Println("workers   PSS of all processes, MB   added by each further worker")
	before, workersBefore := 0.0, 0
	for _, workers := range []int{1, 2, 4, 8} {
		mb, err := pssOf(narwhal, model, workers)
		if err != nil {
			return err
		}
		added := ""
		if workersBefore > 0 {
			added = fmt.Sprintf("%.1f", (mb-before)/float64(workers-workersBefore))
		}
		fmt.Printf("%7d %26.1f   %s\n", workers, mb, added)
		before, workersBefore = mb, workers
	}
	return nil
}

// serving is the line with which narwhal says that it serves, and where.
var serving = regexp.MustCompile(`msg=serving .*address=(\S+)`)

func pssOf(narwhal, model string, workers int) (mb float64, err error) {
	model, err = filepath.Abs(model)
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(narwhal, "--bind", "127.0.0.1:0", "--workers", strconv.Itoa(workers), "--model", model)
	log, err := cmd.StderrPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer cmd.Wait()
	defer cmd.Process.Signal(syscall.SIGTERM)
	url := ""
	for sc := bufio.NewScanner(log); url == "" && sc.Scan(); {
		if m := serving.FindStringSubmatch(sc.Text()); m != nil {
			url = "http://" + m[1] + "/"
		} else if strings.Contains(sc.Text(), "level=ERROR") {
			fmt.Fprintln(os.Stderr, sc.Text())
		}
	}
	go io.Copy(io.Discard, log)
	if url == "" {
		return 0, fmt.Errorf("%s did not start", narwhal)
	}
	r, err := bench.Run(context.Background(), bench.Options{URL: url, Requests: 2000, Connections: 2 * workers})
	if err != nil {
		return 0, err
	}
	if r.OK != r.Requests {
		return 0, fmt.Errorf("%d of %d requests failed: %v", r.Requests-r.OK, r.Requests, r.FirstError)
	}
	pids := []string{strconv.Itoa(cmd.Process.Pid)}
	children, _ := filepath.Glob(fmt.Sprintf("/proc/%s/task/*/children", pids[0]))
	for _, c := range children {
		b, err := os.ReadFile(c)
		if err != nil {
			return 0, err
		}
		pids = append(pids, strings.Fields(string(b))...)
	}
	for _, pid := range pids {
		b, err := os.ReadFile("/proc/" + pid + "/smaps_rollup")
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "Pss:" {
				kb, err := strconv.ParseFloat(f[1], 64)
				if err != nil {
					return 0, err
				}
				mb += kb / 1024
			}
		}
	}
	return mb, nil
}
