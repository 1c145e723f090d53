//go:build !linux

package miner

// pin is for Linux only.
func pin(int) {}
