package contract

import (
	"embed"
	"fmt"
	"io"
	"strings"
)

//go:embed templates/*.yaml
var templates embed.FS

// TemplateNames are the definitions that are shipped, in order.
var TemplateNames = []string{"escrow", "htlc", "vat-split", "school-meals", "refund", "subscription", "channel", "metered", "grant", "work", "order", "crowdfunding", "pool", "savings", "vat-sale"}

// Template is a shipped definition in YAML.
func Template(name string) ([]byte, bool) {
	if _, ok := find(TemplateNames, strings.ReplaceAll(name, "_", "-")); !ok {
		return nil, false
	}
	file, err := templates.Open("templates/" + strings.ReplaceAll(name, "_", "-") + ".yaml")
	if err != nil {
		return nil, false
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	return data, err == nil
}

// TemplateProgram is a shipped definition, compiled.
func TemplateProgram(name string) (*Program, error) {
	text, ok := Template(name)
	if !ok {
		return nil, fmt.Errorf("no template %q", name)
	}
	source, problems := Parse(text)
	if len(problems) > 0 {
		return nil, problems
	}
	program, problems := source.Check()
	if len(problems) > 0 {
		return nil, problems
	}
	return program, nil
}
