package cli

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// maxSecret bounds a file that holds one password or token.
const maxSecret = 4 << 10

// SecretFlags gives a command the ways to a secret: --NAME-file, or the environment. On a command line everybody on the
// machine reads it in the list of processes, and it stays in the shell's history: --NAME still works in this version,
// and says so.
func SecretFlags(flags *pflag.FlagSet, name, variable, what string) {
	flags.String(name+"-file", "", fmt.Sprintf("file with %s (or %s)", what, variable))
	flags.String(name, "", what)
	_ = flags.MarkHidden(name)
}

// Secret is what SecretFlags is given: the file's first line before the old spelling, and that before the environment;
// "" where none of them gives one. An empty first line is a mistake and no empty secret.
func Secret(command *cobra.Command, name, variable string) (string, error) {
	if path := Flag(command, name+"-file"); path != "" {
		content, err := ReadLimited(path, maxSecret)
		if err != nil {
			return "", Usage(fmt.Errorf("--%s-file: %w", name, err))
		}
		line, _, _ := strings.Cut(string(content), "\n")
		if line = strings.TrimRight(line, "\r"); line == "" {
			return "", Usage(fmt.Errorf("--%s-file: the first line of %s is empty", name, path))
		}
		return line, nil
	}
	if value := Flag(command, name); value != "" {
		WarnOfSecret(command, "--"+name, fmt.Sprintf("--%s-file or %s", name, variable))
		return value, nil
	}
	return os.Getenv(variable), nil
}

var warned sync.Map // of a flag's name: once in a process

// WarnOfSecret says that a secret stands on the command line, and where else it can be.
func WarnOfSecret(command *cobra.Command, flag, instead string) {
	if _, before := warned.LoadOrStore(flag, true); !before {
		fmt.Fprintf(command.ErrOrStderr(),
			"aqsha: warning: %s shows a secret to everybody on this machine, and will go: use %s\n", flag, instead)
	}
}

// SecretURL is a flag's URL, or that of the file which it names after an @. One with a password does not belong on a
// command line.
func SecretURL(command *cobra.Command, flag, text string) (string, error) {
	found, err := TextOrFile(text)
	if err != nil {
		return "", Usage(fmt.Errorf("%s: %w", flag, err))
	}
	if u, err := url.Parse(text); err == nil && u.User != nil &&
		command.Flags().Changed(strings.TrimPrefix(flag, "--")) {
		if _, secret := u.User.Password(); secret {
			WarnOfSecret(command, flag+" with a password in it", flag+" @FILE")
		}
	}
	return found, nil
}
