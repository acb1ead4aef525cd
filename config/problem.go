package config

// Problem is one thing that is wrong with the settings. The error of Load joins all
// problems: its method Unwrap() []error returns them.
type Problem struct {
	Where string // "narwhal.toml:3: workers", "NARWHAL_WORKERS", "--workers"
	Why   string
	Hint  string // what to do; "" if Why says it

	// Usage is set if the value is from the command line, and not from a file or the
	// environment.
	Usage bool
}

func (p *Problem) Error() string { return p.Where + ": " + p.Why }
