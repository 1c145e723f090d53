package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
)

// A secret comes from a file, the old spelling, which warns once, or the environment, in this order.
func TestWhereSecretsComeFrom(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file, empty, huge := write("secret", "of the file\r\nmore"), write("empty", "\nx"), write("huge", strings.Repeat("x", 8<<10))
	t.Setenv("AQSHA_TRIED", "of the environment")
	for _, tc := range []struct {
		args        []string
		want, fails string
		warns       bool
	}{
		{nil, "of the environment", "", false},
		{[]string{"--tried-file", file}, "of the file", "", false},
		{[]string{"--tried", "of the line"}, "of the line", "", true},
		{[]string{"--tried", "of the line"}, "of the line", "", false}, // said once
		{[]string{"--tried", "of the line", "--tried-file", file}, "of the file", "", false},
		{[]string{"--tried-file", filepath.Join(dir, "none")}, "", "--tried-file", false},
		{[]string{"--tried-file", empty}, "", "is empty", false},
		{[]string{"--tried-file", huge}, "", "--tried-file", false},
	} {
		var said bytes.Buffer
		var got string
		c := &cobra.Command{Use: "try", SilenceUsage: true, SilenceErrors: true, RunE: func(command *cobra.Command, _ []string) (err error) {
			got, err = cli.Secret(command, "tried", "AQSHA_TRIED")
			return err
		}}
		cli.SecretFlags(c.Flags(), "tried", "AQSHA_TRIED", "what is tried")
		c.SetErr(&said)
		c.SetArgs(append([]string{}, tc.args...))
		err := c.Execute()
		if tc.fails != "" {
			if err == nil || !strings.Contains(err.Error(), tc.fails) {
				t.Errorf("%v: %v, want %q", tc.args, err, tc.fails)
			}
			continue
		}
		if err != nil || got != tc.want || strings.Contains(said.String(), "warning") != tc.warns || strings.Contains(said.String(), tc.want) {
			t.Errorf("%v: %q, %v, said %q", tc.args, got, err, said.String())
		}
	}
}
