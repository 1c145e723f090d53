//go:build !unix

package vfs

import (
	"errors"
	"os"
)

func tryLock(*os.File, bool) (bool, error) {
	return false, errors.New("no file locks on this platform")
}

func unlock(*os.File) {}
