// Package clitest runs commands in a test, as cmd/aqsha joins them: with its flags for all commands, strict, and
// with the exit code that a shell would see.
package clitest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Ended is what a command came to.
type Ended struct {
	Out, Err string
	Exit     int
}

// Nouns are the commands that a test runs.
type Nouns []func() *cobra.Command

// Run runs a command line, without the program's name, in English unless it says otherwise.
func Run(t testing.TB, nouns Nouns, arguments ...string) Ended {
	t.Helper()
	return Feed(t, "", nouns, arguments...)
}

// Feed is Run with a standard input.
func Feed(t testing.TB, in string, nouns Nouns, arguments ...string) Ended {
	t.Helper()
	return within(t.Context(), strings.NewReader(in), nil, nouns, arguments...)
}

// FeedFrom runs a command that speaks with another over its standard input and output.
func FeedFrom(in io.Reader, out io.Writer, nouns Nouns, arguments ...string) Ended {
	return within(context.Background(), in, out, nouns, arguments...)
}

// Within runs a command that serves until a context ends.
func Within(ctx context.Context, nouns Nouns, arguments ...string) Ended {
	return within(ctx, strings.NewReader(""), nil, nouns, arguments...)
}

func within(ctx context.Context, in io.Reader, to io.Writer, nouns Nouns, arguments ...string) Ended {
	root := &cobra.Command{Use: "aqsha", SilenceErrors: true, SilenceUsage: true}
	root.PersistentFlags().Bool("json", false, "")
	root.PersistentFlags().String("lang", "en", "")
	root.PersistentFlags().String("ca", "", "")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return cli.Usage(err) })
	for _, noun := range nouns {
		root.AddCommand(noun())
	}
	cli.StrictTree(root)
	var out, wrong bytes.Buffer
	root.SetIn(in)
	root.SetOut(&out)
	if to != nil {
		root.SetOut(to)
	}
	root.SetErr(&wrong)
	root.SetArgs(arguments)
	e := Ended{}
	if command, err := root.ExecuteContextC(ctx); err != nil {
		if !cli.Started(err) { // as cmd/aqsha does
			err = cli.Usage(err)
		}
		e.Exit = cli.Report(command, err)
	}
	e.Out, e.Err = out.String(), wrong.String()
	return e
}

// Wants fails a test unless a command ended with a code and said some texts, on either output.
func (e Ended) Wants(t testing.TB, exit int, texts ...string) Ended {
	t.Helper()
	if e.Exit != exit {
		t.Errorf("exit %d, want %d\n%s%s", e.Exit, exit, e.Out, e.Err)
	}
	for _, text := range texts {
		if !strings.Contains(e.Out, text) && !strings.Contains(e.Err, text) {
			t.Errorf("want %q in\n%s%s", text, e.Out, e.Err)
		}
	}
	return e
}

// Code is the code of a refusal that was asked for as JSON, and its field.
func (e Ended) Code(t testing.TB) (code, field string) {
	t.Helper()
	var said struct{ Code, Field string }
	if err := json.Unmarshal([]byte(e.Err), &said); err != nil {
		t.Errorf("no refusal in JSON: %v\n%s%s", err, e.Out, e.Err)
	}
	return said.Code, said.Field
}

// JSON reads a result that was asked for as JSON.
func (e Ended) JSON(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(e.Out), into); err != nil || e.Exit != 0 {
		t.Fatalf("exit %d, %v\n%s%s", e.Exit, err, e.Out, e.Err)
	}
}

// Put writes a file, and the folders above it, and returns its name.
func Put(t testing.TB, content string, path ...string) string {
	t.Helper()
	name := filepath.Join(path...)
	if err := vfs.OS.MkdirAll(filepath.Dir(name)); err != nil {
		t.Fatal(err)
	}
	if err := durable.Replace(vfs.OS, name, []byte(content)); err != nil {
		t.Fatal(err)
	}
	return name
}
