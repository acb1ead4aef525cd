// Load sends requests to narwhal until it gets TERM, each over a connection of
// its own, and then says how many failed and how many of these were refused.
// Clients pause after each, so that two cores also have time to start workers:
//
//	load URL CLIENTS
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const pause = 25 * time.Millisecond

func main() {
	clients, err := strconv.Atoi(os.Args[len(os.Args)-1])
	if len(os.Args) != 3 || err != nil {
		fmt.Fprintln(os.Stderr, "usage: load URL CLIENTS")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var mu sync.Mutex
	var sent, failed, refused int
	var first error
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
			for ctx.Err() == nil {
				err := ask(client, os.Args[1])
				mu.Lock()
				sent++
				if err != nil {
					failed++
					if first == nil {
						first = err
					}
				}
				if errors.Is(err, syscall.ECONNREFUSED) {
					refused++
				}
				mu.Unlock()
				time.Sleep(pause) // a closed port must not be the whole count, either
			}
		})
	}
	all.Wait()
	fmt.Printf("requests=%d failed=%d refused=%d\n", sent, failed, refused)
	if first != nil {
		fmt.Println("first failure:", first)
	}
}

func ask(client *http.Client, url string) error {
	resp, err := client.Post(url, "application/json", strings.NewReader(`{"text":"Angela Merkel was born in Hamburg."}`))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", resp.Status)
	}
	return nil
}
