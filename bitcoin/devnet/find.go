package devnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// btcdPackage is what is installed when no btcd is found.
const btcdPackage = "github.com/btcsuite/btcd@v0.26.2"

// ErrNoNode means that btcd was neither found nor could be installed.
var ErrNoNode = errors.New("btcd not found: install it with 'go install " + btcdPackage + "' or name it with --btcd")

// Find looks for btcd in a named file, the directories given, and PATH, in this order.
func Find(named string, dirs ...string) (string, error) {
	if named != "" {
		if _, err := os.Stat(named); err != nil {
			return "", fmt.Errorf("btcd: %w", err)
		}
		return filepath.Abs(named)
	}
	for _, dir := range dirs {
		candidate := filepath.Join(dir, "btcd")
		if info, err := os.Stat(candidate); err == nil && info.Mode()&0o111 != 0 {
			return filepath.Abs(candidate)
		}
	}
	if found, err := exec.LookPath("btcd"); err == nil {
		return found, nil
	}
	return "", ErrNoNode
}

// Install builds btcd with the Go tool chain into dir and returns its path.
// It needs Go on the PATH and a module proxy in reach.
func Install(ctx context.Context, dir string) (string, error) {
	tool, err := exec.LookPath("go")
	if err != nil {
		return "", ErrNoNode
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	install := exec.CommandContext(ctx, tool, "install", btcdPackage)
	install.Env = append(os.Environ(), "GOBIN="+absolute)
	install.Dir = os.TempDir() // outside any module, so that none's requirements apply
	if output, err := install.CombinedOutput(); err != nil {
		return "", fmt.Errorf("installing %s: %w: %.500s", btcdPackage, err, output)
	}
	return filepath.Join(absolute, "btcd"), nil
}
