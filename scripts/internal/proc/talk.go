package proc

import (
	"bufio"
	"io"
	"os/exec"
	"strings"
)

// Talk is a program that writes one line to standard output for each line it reads
// from standard input.
type Talk struct {
	*Process
	in  io.Writer
	out *bufio.Reader
}

// StartTalk starts a command. The command's Stdin and Stdout must not be set.
func StartTalk(cmd *exec.Cmd) (*Talk, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p, err := Start(cmd)
	if err != nil {
		return nil, err
	}
	return &Talk{p, in, bufio.NewReader(out)}, nil
}

// Ask sends a line and returns the answer, both without their line ends.
func (t *Talk) Ask(line string) (string, error) {
	if _, err := io.WriteString(t.in, line+"\n"); err != nil {
		return "", err
	}
	return t.Read()
}

// Read returns the next line that the program writes, without its line end. Use it for a
// line that is not an answer, such as a greeting.
func (t *Talk) Read() (string, error) {
	line, err := t.out.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}
