//go:build !race

package main

const serversOnly = false
