package contract

import (
	"embed"
	"fmt"
	"io"
	"strings"
)

//go:embed templates/*.yaml templates/earlier/*.yaml
var templates embed.FS

// TemplateNames are the definitions that are shipped, in order.
var TemplateNames = []string{"escrow", "htlc", "vat-split", "school-meals", "refund", "subscription", "channel",
	"metered", "grant", "work", "order", "crowdfunding", "pool", "savings", "vat-sale"}

// Template is a shipped definition in YAML.
func Template(name string) ([]byte, bool) {
	if _, ok := find(TemplateNames, strings.ReplaceAll(name, "_", "-")); !ok {
		return nil, false
	}
	return readTemplate(strings.ReplaceAll(name, "_", "-"))
}

// readTemplate reads an embedded template.
func readTemplate(name string) ([]byte, bool) {
	file, err := templates.Open("templates/" + name + ".yaml")
	if err != nil {
		return nil, false
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	return data, err == nil
}

// templatesSince is from which version of the rules on templates are taken, where it is not 3; the earlier one of the
// same name is then of version 3, and otherwise of the first.
var templatesSince = map[string]uint32{"subscription": 5, "order": 5} // they know days of the calendar

// TemplateSince is the first version of the rules that takes a template as it is shipped, and the first that takes the
// one before, 0 if there is none.
func TemplateSince(name string) (rules, earlier uint32) {
	name = strings.ReplaceAll(name, "_", "-")
	rules = 3
	if later, ok := templatesSince[name]; ok {
		return later, 3
	}
	if _, ok := readTemplate("earlier/" + name); ok {
		earlier = 1
	}
	return rules, earlier
}

// EarlierTemplate is a template as it was shipped before: contracts of it are live, and networks whose rules are older
// take no other. Not every template has one.
func EarlierTemplate(name string) (*Program, bool) {
	text, ok := readTemplate("earlier/" + strings.ReplaceAll(name, "_", "-"))
	if !ok {
		return nil, false
	}
	program, err := programOf(text)
	return program, err == nil
}

// TemplateProgram is a shipped definition, compiled.
func TemplateProgram(name string) (*Program, error) {
	text, ok := Template(name)
	if !ok {
		return nil, fmt.Errorf("no template %q", name)
	}
	return programOf(text)
}

// programOf parses and checks a definition's text.
func programOf(text []byte) (*Program, error) {
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
