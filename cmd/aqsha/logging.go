package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/token"
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
	logger, _, err := newLevelLogger(command, w)
	return logger, err
}

// newLevelLogger makes it with a level that can be set while it runs.
func newLevelLogger(command *cobra.Command, w io.Writer) (*slog.Logger, *slog.LevelVar, error) {
	level := &slog.LevelVar{}
	if text := flag(command, "log-level"); level.UnmarshalText([]byte(text)) != nil {
		return nil, nil, usageError{fmt.Errorf("--log-level %q: want debug, info, warn or error", text)}
	}
	options := &slog.HandlerOptions{Level: level}
	switch format := flag(command, "log-format"); strings.ToLower(format) {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), level, nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), level, nil
	default:
		return nil, nil, usageError{fmt.Errorf("--log-format %q: want text or json", format)}
	}
}

// logsAt gives a node that serves its logger: of the flag's level if it was given, else of log_level in config.toml.
func (c *config) logsAt(command *cobra.Command, w io.Writer) (err error) {
	if c.Logger, c.levels, err = newLevelLogger(command, w); err != nil || c.LogLevel == "" || command.Flags().Changed("log-level") {
		return err
	}
	level, err := c.level()
	c.levels.Set(level)
	return err
}

// level is log_level; info when it is not set.
func (c config) level() (level slog.Level, err error) {
	if c.LogLevel != "" && level.UnmarshalText([]byte(c.LogLevel)) != nil {
		return level, token.Errorf(badConfig, "log_level", "%q, want debug, info, warn or error", c.LogLevel)
	}
	return level, nil
}

// logger is where a node that serves logs.
func (c config) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return c.Logger
}
