//go:build !linux

package vfs

func (f osFile) Preallocate(size int64) error { return zeros(f, size) }

func (f osFile) Datasync() error { return f.Sync() }
