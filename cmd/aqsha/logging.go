package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// addLogFlags gives a command that runs for long the flags that say what it logs, and how.
func addLogFlags(command *cobra.Command) {
	command.Flags().String("log-level", envOr("AQSHA_LOG_LEVEL", "info"), "what is logged: debug, info, warn or error (AQSHA_LOG_LEVEL)")
	command.Flags().String("log-format", envOr("AQSHA_LOG_FORMAT", "text"), "how: text, or json with one object a line (AQSHA_LOG_FORMAT)")
}

func envOr(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// newLogger makes the logger that a command's flags ask for.
func newLogger(command *cobra.Command, w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if text := flag(command, "log-level"); level.UnmarshalText([]byte(text)) != nil {
		return nil, usageError{fmt.Errorf("--log-level %q: want debug, info, warn or error", text)}
	}
	options := &slog.HandlerOptions{Level: level}
	switch format := flag(command, "log-format"); strings.ToLower(format) {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	default:
		return nil, usageError{fmt.Errorf("--log-format %q: want text or json", format)}
	}
}

// logger is where a node that serves logs.
func (c config) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return c.Logger
}
