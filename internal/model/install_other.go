//go:build !linux

package model

import "os"

// exchange swaps two directories. For a moment there is nothing at b.
func exchange(a, b string) error {
	aside := a + ".old"
	if err := os.Rename(b, aside); err != nil {
		return err
	}
	if err := os.Rename(a, b); err != nil {
		_ = os.Rename(aside, b) // what was there before
		return err
	}
	return os.Rename(aside, a)
}
