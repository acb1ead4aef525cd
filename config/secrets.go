package config

import "github.com/narwhal-server/narwhal/internal/certs"

// Secrets are what the files of settings contain, as far as it must not be shown. Load reads
// them, so that a wrong file is refused before any worker starts. The master sends them to
// the workers. So all workers have the same until the next reload.
type Secrets struct {
	TokenHashes [][]byte    // SHA-256 of the tokens in AuthTokenFile
	TLS         certs.Files // Certfile, Keyfile and CACerts
}

// Secrets returns the secrets in force.
func (s *Settings) Secrets() Secrets { return s.secrets }
