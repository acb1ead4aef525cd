// Package certs reads the files of TLS: a certificate, its key, and the authorities that
// sign the certificates of clients.
package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/narwhal-server/narwhal/internal/regular"
)

// Files has what the files contain, in PEM. The zero value means that there is no TLS.
type Files struct {
	Certificate, Key []byte
	ClientCAs        []byte // empty: clients need no certificate
}

// mostBytes is the largest file, in bytes: the master sends the files to each worker in one
// message.
const mostBytes = 24 << 10

// Read reads the files and checks that they fit together. If keyfile is "", the key is in
// certfile. If cafile is "", clients need no certificate. The warnings say what is allowed
// and may be a mistake.
func Read(certfile, keyfile, cafile string) (f Files, warnings []string, err error) {
	if f.Certificate, err = regular.Read(certfile, mostBytes); err != nil {
		return Files{}, nil, fmt.Errorf("certificate: %w", err)
	}
	if keyfile == "" {
		keyfile = certfile
	}
	if f.Key, err = regular.Read(keyfile, mostBytes); err != nil {
		return Files{}, nil, fmt.Errorf("key: %w", err)
	}
	if cafile != "" {
		if f.ClientCAs, err = regular.Read(cafile, mostBytes); err != nil {
			return Files{}, nil, fmt.Errorf("authorities: %w", err)
		}
	}
	config, err := f.Config()
	if err != nil {
		return Files{}, nil, err
	}
	if info, err := os.Stat(keyfile); err == nil && info.Mode().Perm()&0o004 != 0 {
		warnings = append(warnings, fmt.Sprintf("every user of this machine can read the key in %s: chmod 0600 %[1]s", keyfile))
	}
	switch leaf, now := config.Certificates[0].Leaf, time.Now(); {
	case now.After(leaf.NotAfter):
		warnings = append(warnings, fmt.Sprintf("the certificate in %s has expired on %s: clients will refuse it", certfile, leaf.NotAfter.Format(time.DateOnly)))
	case now.Before(leaf.NotBefore):
		warnings = append(warnings, fmt.Sprintf("the certificate in %s is valid only from %s: clients will refuse it", certfile, leaf.NotBefore.Format(time.DateOnly)))
	}
	return f, warnings, nil
}

// Config returns the configuration of a server: HTTP/1.1 over TLS 1.2 or 1.3. It returns nil
// if there is no TLS.
func (f Files) Config() (*tls.Config, error) {
	if len(f.Certificate) == 0 {
		return nil, nil
	}
	pair, err := tls.X509KeyPair(f.Certificate, f.Key)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "tls: "))
	}
	c := &tls.Config{
		Certificates: []tls.Certificate{pair},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"http/1.1"},

		// A record costs a system call. Large ones from the start cost fewer.
		DynamicRecordSizingDisabled: true,
	}
	if len(f.ClientCAs) > 0 {
		c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		if !c.ClientCAs.AppendCertsFromPEM(f.ClientCAs) {
			return nil, errors.New("there is no certificate in the file of authorities")
		}
	}
	return c, nil
}
