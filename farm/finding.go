package farm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/aqsha/aqsha/words"
)

// Finding is what was found to be wrong with a machine, an order or an alert, in a form of which any language makes a
// sentence: the code of a text ("farm-found" of the catalogue) and what is filled in. It is kept beside the English
// sentence, which programs read; what was written before there were findings has that sentence alone.
type Finding struct {
	Code   string            `json:"code"`             // kebab-case
	Values map[string]string `json:"values,omitempty"` // by the names in the text
	Why    *Finding          `json:"why,omitempty"`    // what {why} stands for in the text
}

// Found is a finding of a code, with what is filled in as pairs of a name and a value.
func Found(code string, pairs ...any) Finding {
	f := Finding{Code: code}
	for i := 0; i+1 < len(pairs); i += 2 {
		if f.Values == nil {
			f.Values = map[string]string{}
		}
		f.Values[fmt.Sprint(pairs[i])] = fmt.Sprint(pairs[i+1])
	}
	return f
}

// Because is the finding with its reason. Without a finding as reason there is none either: a sentence that breaks off
// at its colon says less than the English one.
func (f Finding) Because(why Finding) Finding {
	if why.IsZero() {
		return Finding{}
	}
	f.Why = &why
	return f
}

// IsZero says whether there is none.
func (f Finding) IsZero() bool { return f.Code == "" }

// The codes of findings that are a refusal of ours, and of any other error.
const (
	foundRefusal = "refusal"
	foundSays    = "refusal-says" // and the machine gave a reason of its own
	foundFailure = "failure"
)

// machineSays is how the detail of a refusal begins that passes on a machine's own words.
const machineSays = "the machine says: "

// maxDepth bounds the reasons of reasons that are read from a file.
const maxDepth = 8

// In is the finding in a language; "" where the catalogue does not know it, as one that a later program wrote.
func (f Finding) In(l words.Language) string { return f.in(l, maxDepth) }

func (f Finding) in(l words.Language, depth int) string {
	if f.IsZero() || depth == 0 {
		return ""
	}
	pairs := make([]any, 0, 2*len(f.Values)+2)
	for name, value := range f.Values {
		pairs = append(pairs, name, value)
	}
	switch {
	case f.Code == foundRefusal || f.Code == foundSays:
		e, known := l.Explain(f.Values["code"])
		if !known || f.Code == foundRefusal {
			return e.Title
		}
		pairs = append(pairs, "title", e.Title)
	case f.Why != nil:
		why := f.Why.in(l, depth-1)
		if why == "" {
			return ""
		}
		pairs = append(pairs, "why", why)
	}
	text := l.Text("farm-found."+f.Code, pairs...)
	if text == "farm-found."+f.Code { // it has no such text
		return ""
	}
	return text
}

// Say is a finding in a language, or the English sentence beside which it was kept, where it says nothing.
func (f Finding) Say(l words.Language, english string) string {
	if text := f.In(l); text != "" {
		return text
	}
	return english
}

// Finder is an error that knows its finding.
type Finder interface {
	error
	Finding() Finding
}

// WithFinding is an error that knows its finding, and is otherwise as it was.
func WithFinding(err error, found Finding) error { return &explained{err, found} }

type explained struct {
	error
	found Finding
}

func (e *explained) Unwrap() error    { return e.error }
func (e *explained) Finding() Finding { return e.found }

// FindingOf is what an error says of a machine; the zero value for nil.
func FindingOf(err error) Finding {
	var finder Finder
	var refusal *Error
	var network net.Error
	switch {
	case err == nil:
		return Finding{}
	case errors.As(err, &finder):
		return finder.Finding()
	case errors.As(err, &refusal):
		says, quotes := strings.CutPrefix(refusal.Detail, machineSays)
		if quoted, err := strconv.QuotedPrefix(says); err == nil { // what follows it is ours
			says, _ = strconv.Unquote(quoted)
		}
		if quotes && says != "" {
			return Found(foundSays, "code", refusal.Code, "says", says)
		}
		return Found(foundRefusal, "code", refusal.Code)
	case errors.Is(err, context.Canceled):
		return Found("ended")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &network) && network.Timeout():
		return Found("no-answer")
	case errors.Is(err, syscall.ECONNREFUSED):
		return Found("closed-port")
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTDOWN):
		return Found("unreachable")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, syscall.EPIPE):
		return Found("broke-off")
	}
	return Found(foundFailure, "text", err.Error())
}
