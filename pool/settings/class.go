package settings

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Class is a kind of firmware, by the size of coinbase that it takes.
type Class struct {
	Name  string
	Bytes int
}

// Classes in ascending order of size. The sizes are those that a gateway's authors have found to
// work; NiceHash and unknown firmware first, because guessing too large stops a machine.
var Classes = []Class{
	{"nicehash", 500},
	{"unknown", 750},
	{"antminer-s21", 2250},
	{"whatsminer", 6500},
	{"epic", 16000},
}

// agents maps what firmware calls itself, in lower case, to a class; the first hit counts.
var agents = []struct{ text, class string }{
	{"nicehash", "nicehash"},
	{"antminer s21", "antminer-s21"},
	{"antminers21", "antminer-s21"},
	{"bosminer", "antminer-s21"},
	{"braiins", "antminer-s21"},
	{"bitaxe", "whatsminer"},
	{"whatsminer", "whatsminer"},
	{"btminer", "whatsminer"},
	{"epic", "epic"},
	{"poweplay", "epic"},
	// Our own miner and cpuminer take whatever fits a line.
	{"aqsha/", "epic"},
}

// ClassOf is the index in Classes of a user agent.
func ClassOf(agent string) uint8 {
	lower := strings.ToLower(agent)
	for _, known := range agents {
		if strings.Contains(lower, known.text) {
			for i, class := range Classes {
				if class.Name == known.class {
					return uint8(i)
				}
			}
		}
	}
	return 1 // unknown
}

// checkClasses holds overrides to the classes that there are, and to the sizes among them: in less the coinbase has no
// room for the operator, the commitment and the tag, and no firmware is known to take more.
func (c Config) checkClasses() error {
	least, most := Classes[0].Bytes, Classes[len(Classes)-1].Bytes
	for _, name := range slices.Sorted(maps.Keys(c.ClassBytes)) {
		if !slices.ContainsFunc(Classes, func(known Class) bool { return known.Name == name }) {
			return &ConfigError{"coinbase_bytes", fmt.Sprintf("%.40q is no class of firmware; want one of %s", name,
				classNames())}
		}
		if size := c.ClassBytes[name]; size < least || size > most {
			return &ConfigError{"coinbase_bytes", fmt.Sprintf("%s=%d: want %d to %d", name, size, least, most)}
		}
	}
	return nil
}

func classNames() string {
	names := make([]string, len(Classes))
	for i, class := range Classes {
		names[i] = class.Name
	}
	return strings.Join(names, ", ")
}

// Sizes are the classes' sizes under a configuration.
func (c Config) Sizes() []int {
	sizes := make([]int, len(Classes))
	for i, class := range Classes {
		sizes[i] = class.Bytes
		if override, ok := c.ClassBytes[class.Name]; ok {
			sizes[i] = override
		}
	}
	return sizes
}
