package cli

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

// No log shows a password of a URL, in whatever form it comes, and everything else is logged as it was.
func TestLogsShowNoPassword(t *testing.T) {
	for name, handler := range map[string]func(w *bytes.Buffer) slog.Handler{
		"text": func(w *bytes.Buffer) slog.Handler { return slog.NewTextHandler(w, LogOptions(slog.LevelInfo)) },
		"json": func(w *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(w, LogOptions(slog.LevelInfo)) },
	} {
		var w bytes.Buffer
		const url = "http://operator:hunter2@10.0.0.1:8420"
		logger := slog.New(handler(&w)).With("leader", url)
		logger.WithGroup("group").Warn("asked "+url, "cause", errors.New(url+" does not answer"), "nodes", []string{"http://a", url}, "size", 7)
		said := w.String()
		if strings.Contains(said, "hunter2") || strings.Count(said, "operator:xxxxx@10.0.0.1:8420") != 4 || !strings.Contains(said, "http://a") || !strings.Contains(said, "WARN") {
			t.Errorf("%s: %s", name, said)
		}
		if !strings.Contains(said, "size=7") && !strings.Contains(said, `"size":7`) || strings.Contains(said, "m=+") {
			t.Errorf("%s: %s", name, said)
		}
	}
}
