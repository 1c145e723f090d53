package api

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/aqsha/aqsha/internal/errtext"
)

// UnreachedError is why a node gave no answer at all, in words for whoever named it: what the HTTP client says of it
// speaks of its own parts.
type UnreachedError struct {
	Node  string // URL
	Cause error
	// Asked: the request changes no ledger, it reads, or sets tokens aside.
	Asked bool
	// Changed: the same client has sent a change before, so that what it is part of may be done in part.
	Changed bool
}

// Ended says that the connection ended, or time was up, before there was an answer.
func (e *UnreachedError) Ended() bool { return e.timedOut() || e.cut() }

func (e *UnreachedError) timedOut() bool {
	var call *url.Error
	return errors.Is(e.Cause, context.DeadlineExceeded) || errors.Is(e.Cause, os.ErrDeadlineExceeded) ||
		errors.As(e.Cause, &call) && call.Timeout()
}

// cut says whether the connection ended before an answer: whether the request arrived is not known then.
func (e *UnreachedError) cut() bool {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(e.Cause, end) {
			return true
		}
	}
	// HTTP/2's, of which the library exports no type
	return strings.HasPrefix(cause(e.Cause).Error(), "stream error")
}

func (e *UnreachedError) Error() string { return errtext.Redact(e.Node) + " " + e.why() }
func (e *UnreachedError) Unwrap() error { return e.Cause }

// why says in words why there is no answer, so that a person can mend it.
func (e *UnreachedError) why() string {
	var name *net.DNSError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var certificate x509.CertificateInvalidError
	switch {
	case errors.Is(e.Cause, syscall.ECONNREFUSED):
		return "does not answer: connection refused"
	case errors.Is(e.Cause, syscall.EHOSTUNREACH), errors.Is(e.Cause, syscall.ENETUNREACH):
		return "does not answer: no way leads to that address"
	case errors.As(e.Cause, &name):
		return fmt.Sprintf("does not answer: the name %s is not known", name.Name)
	case errors.As(e.Cause, &authority):
		return "shows a certificate of an authority that is not known here: name its file with --ca"
	case errors.As(e.Cause, &host), errors.As(e.Cause, &certificate):
		return "shows a certificate that does not hold: " + cause(e.Cause).Error()
	case e.timedOut():
		return "did not answer in time"
	case errors.Is(e.Cause, context.Canceled) && e.Asked && !e.Changed:
		return "was not waited for any more; nothing was sent that changes anything"
	case errors.Is(e.Cause, context.Canceled):
		return "was not waited for any more"
	case e.cut():
		return "ended the connection without an answer"
	case e.NoHTTP():
		return "answers, and does not speak HTTP: it is no node, or the URL is not right"
	}
	return "does not answer: " + errtext.Plain(cause(e.Cause).Error())
}

// NoHTTP says that something answered, and not as a server of HTTP does: it is no node.
func (e *UnreachedError) NoHTTP() bool {
	text := cause(e.Cause).Error()
	// What the library says of a server that speaks before it is asked, and of one that hangs up over it.
	return strings.Contains(text, "malformed") || strings.Contains(text, "readLoopPeekFailLocked")
}

// UnreadableError is an answer that is no node's: a page, or the JSON of something else.
type UnreadableError struct {
	Asked string
	Cause error
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("what answers %s is no node of a ledger (%s): is the URL right?", e.Asked,
		errtext.Plain(e.Cause.Error()))
}
func (e *UnreadableError) Unwrap() error { return e.Cause }

// decode reads the JSON that a node answers.
func decode(asked string, body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return &UnreadableError{asked, err}
	}
	return nil
}

// cause is what is wrapped by the HTTP client, which names the method and the whole URL before it.
func cause(err error) error {
	var call *url.Error
	if errors.As(err, &call) {
		return call.Err
	}
	return err
}

// unreached says of an error of the HTTP client which node did not answer what, and why.
func (c *Client) unreached(base, method, path string, err error) error {
	if err == nil {
		return nil
	}
	return &UnreachedError{Node: base, Cause: err, Asked: asks(method, path), Changed: c.changed.Load()}
}

// asks says whether a request changes no ledger.
func asks(method, path string) bool {
	return method == http.MethodGet || path == "/v1/explain" || strings.HasPrefix(path, "/v1/wallets/")
}
