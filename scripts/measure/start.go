package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/narwhal-server/narwhal/scripts/internal/server"
)

// start prints how long it takes from the start of the server, with one worker, to its first
// answer.
func start(narwhal, model string, rounds int) error {
	model, err := filepath.Abs(model)
	if err != nil {
		return err
	}
	var times []time.Duration
	for range rounds {
		t, err := startOnce(narwhal, model)
		if err != nil {
			return err
		}
		times = append(times, t)
	}
	slices.Sort(times)
	fmt.Printf("from the start to the first answer: %.0f ms at best, %.0f ms at the median, %.0f ms at worst of %d\n",
		ms(times[0]), ms(times[len(times)/2]), ms(times[len(times)-1]), len(times))
	return nil
}

func startOnce(narwhal, model string) (took time.Duration, err error) {
	begin := time.Now()
	s, err := server.Start(context.Background(), narwhal, 1, "--model", model)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	resp, err := http.Post("http://"+s.Addr+"/", "application/json", strings.NewReader(`{"text":"Tim Cook visited Paris on Monday."}`))
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("the server answers %s", resp.Status)
	}
	return time.Since(begin), nil
}
