package cli

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/errtext"
)

// AddLogFlags gives a command that runs for long the flags that say what it logs, and how.
func AddLogFlags(command *cobra.Command) {
	command.Flags().String("log-level", envOr("AQSHA_LOG_LEVEL", "info"),
		"what is logged: debug, info, warn or error (AQSHA_LOG_LEVEL)")
	command.Flags().String("log-format", envOr("AQSHA_LOG_FORMAT", "text"),
		"how: text, or json with one object a line (AQSHA_LOG_FORMAT)")
}

func envOr(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// LogOptions are those of every log: passwords in URLs do not stand in it. They are taken out of texts, errors and
// lists of texts, which is all that our logs are given.
func LogOptions(level slog.Leveler) *slog.HandlerOptions {
	return &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch value := a.Value.Any().(type) {
		case string:
			a.Value = slog.StringValue(errtext.Redact(value))
		case error:
			a.Value = slog.StringValue(errtext.Redact(value.Error()))
		case []string:
			texts := make([]string, len(value))
			for i, text := range value {
				texts[i] = errtext.Redact(text)
			}
			a.Value = slog.AnyValue(texts)
		}
		return a
	}}
}

// NewLogger makes the logger that a command's flags ask for.
func NewLogger(command *cobra.Command, w io.Writer) (*slog.Logger, error) {
	logger, _, err := NewLevelLogger(command, w)
	return logger, err
}

// NewLevelLogger makes it with a level that can be set while it runs.
func NewLevelLogger(command *cobra.Command, w io.Writer) (*slog.Logger, *slog.LevelVar, error) {
	if kept, ok := w.(*notes); ok { // a log is no warning: it goes on while the command does
		w = kept.stderr
	}
	level := &slog.LevelVar{}
	if text := Flag(command, "log-level"); level.UnmarshalText([]byte(text)) != nil {
		return nil, nil, UsageError{fmt.Errorf("--log-level %q: want debug, info, warn or error", text)}
	}
	options := LogOptions(level)
	switch format := Flag(command, "log-format"); strings.ToLower(format) {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), level, nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), level, nil
	default:
		return nil, nil, UsageError{fmt.Errorf("--log-format %q: want text or json", format)}
	}
}
