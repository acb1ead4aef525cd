//go:build !embed_model

package model

const archive = ""
