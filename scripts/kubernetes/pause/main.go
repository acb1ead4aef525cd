// Pause waits until it gets INT or TERM. It is the process that holds the network of a pod
// while the containers of the pod come and go.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGINT, syscall.SIGTERM)
	<-end
}
