package cli

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// maxURL bounds the URL of a node, in bytes.
const maxURL = 2048

// IsNodeURL says whether a text is the URL of a node: with a scheme, a host, and a port that there is if any.
func IsNodeURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxURL || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" ||
		u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	if _, port, given := strings.Cut(strings.TrimPrefix(u.Host, "["+u.Hostname()+"]"), ":"); given && port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		return err == nil && n > 0
	}
	return true
}

// NodeURL reads the URL of a node from a command line, or from the file that is named after an @. What is none is a
// mistake in the line: nobody was asked.
func NodeURL(field, text string) (string, error) {
	found, err := nodeURL(text)
	if err != nil {
		return "", Usage(fmt.Errorf("%s: %w", field, err))
	}
	return found, nil
}

func nodeURL(text string) (string, error) {
	found, err := TextOrFile(strings.TrimSpace(text))
	if err != nil {
		return "", err
	}
	if found = strings.TrimSuffix(found, "/"); !IsNodeURL(found) {
		return "", fmt.Errorf("%q is not the URL of a node, such as http://127.0.0.1:8420", found)
	}
	return found, nil
}

// ListenAddress refuses what is no address to listen at: a host or none, and a port of 0 (a free one) to 65535 in
// decimal digits.
func ListenAddress(field, text string) error {
	if err := listenable(text); err != nil {
		return Usage(fmt.Errorf("%s: %w", field, err))
	}
	return nil
}

func listenable(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		if _, err = strconv.ParseUint(port, 10, 16); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%q is no address to listen at, such as 127.0.0.1:8420", text)
}

// ListenFlag adds a flag of an address to listen at, which is judged as the line is read: before a ledger is opened or
// keys are made for what could not serve.
func ListenFlag(flags *pflag.FlagSet, name, value, usage string) {
	ListenVar(flags, &value, name, value, usage)
}

// ListenVar is ListenFlag into a variable.
func ListenVar(flags *pflag.FlagSet, to *string, name, value, usage string) {
	*to = value
	flags.Var(listenValue{to}, name, usage)
}

// listenValue is a flag of an address to listen at; "" is none.
type listenValue struct{ address *string }

func (v listenValue) String() string {
	if v.address == nil {
		return ""
	}
	return *v.address
}
func (v listenValue) Type() string { return "string" }

// Set refuses what cannot be listened at where the flag is read, before anything is opened.
func (v listenValue) Set(text string) error {
	if text != "" {
		if err := listenable(text); err != nil {
			return err
		}
	}
	*v.address = text
	return nil
}

// nodesValue is a flag of the URLs of one node or several.
type nodesValue struct{ list *string }

func (v nodesValue) String() string {
	if v.list == nil {
		return ""
	}
	return *v.list
}
func (v nodesValue) Type() string { return "string" }

// Set reads URLs between commas, each in the one form that a client asks; an empty text is none, as of a script whose
// variable is not set.
func (v nodesValue) Set(text string) error {
	if strings.TrimSpace(text) == "" { // of a script whose variable is empty
		*v.list = ""
		return nil
	}
	var urls []string
	for one := range strings.SplitSeq(text, ",") {
		found, err := nodeURL(one)
		if err != nil {
			return err
		}
		urls = append(urls, found)
	}
	*v.list = strings.Join(urls, ",")
	return nil
}

// NodesFlag gives a set of flags one that names a node, or several separated by commas.
func NodesFlag(flags *pflag.FlagSet, list *string, name, usage string) {
	flags.Var(nodesValue{list}, name, usage)
}
