package params_test

import (
	"testing"

	"github.com/aqsha/aqsha/params"
)

func TestFindMiningMachine(t *testing.T) {
	for model, want := range map[string]string{
		"Antminer S19":            "Antminer S19",
		"Antminer S19 Pro":        "Antminer S19 Pro",
		"antminer s19jpro":        "Antminer S19j Pro",
		"S21+":                    "Antminer S21+",
		"S21 XP Hyd":              "Antminer S21 XP Hyd",
		"M30S++_VH40":             "Whatsminer M30S++",
		"M30S_V20":                "Whatsminer M30S",
		"WhatsMiner M60S_VK30":    "Whatsminer M60S",
		"Avalon A1366":            "Avalon A1366",
		"Antminer S19 Pro (110T)": "Antminer S19 Pro",
		"M30S+_VE40":              "Whatsminer M30S+",
		"Antminer S19 Hydro":      "Antminer S19 Hydro",
		"Antminer S19 Quantum":    "", // not in the catalogue; must not pass for an S19
		"Antminer T17+":           "Antminer T17+",
		"S19a Pro":                "Antminer S19a Pro",
		"S1":                      "",
		"":                        "",
	} {
		got, ok := params.FindMiningMachine(model)
		if got.Value.Name != want || ok != (want != "") {
			t.Errorf("%q is %q, want %q", model, got.Value.Name, want)
		}
	}
}

// A guess is the model with the longest name that fits, and none for a stranger.
func TestNearestMiningMachine(t *testing.T) {
	for model, want := range map[string]string{"Antminer S19j Pro-A": "Antminer S19j Pro", "Antminer S21 Pro Turbo": "Antminer S21 Pro", "Whatsminer M50S++_VK20": "Whatsminer M50S++", "Toaster": ""} {
		if got, _ := params.NearestMiningMachine(model); got.Value.Name != want {
			t.Errorf("%q is near %q, want %q", model, got.Value.Name, want)
		}
	}
}

// The printed efficiency is rate and power in another form; the makers' figures are good for ±5 %.
func TestCatalogueAgreesWithItself(t *testing.T) {
	seen := map[string]bool{}
	for _, fact := range params.Catalogue() {
		m := fact.Value
		if seen[m.Name] {
			t.Errorf("%s is there twice", m.Name)
		}
		seen[m.Name] = true
		if _, err := params.ParseDate(string(fact.From)); err != nil || fact.Source == "" {
			t.Errorf("%s: %v, source %q", m.Name, err, fact.Source)
		}
		if m.Boards < 1 || m.HeatLimit < 60 || m.Fans < 0 || m.Fans > 8 || m.Chips < 0 {
			t.Errorf("%s: %d boards, %d fans, %d chips, %d °C", m.Name, m.Boards, m.Fans, m.Chips, m.HeatLimit)
		}
		milliJTH := m.Watts * 1_000_000 / m.RateGHs
		if off := milliJTH - m.MilliJTH; 20*off > m.MilliJTH || -20*off > m.MilliJTH {
			t.Errorf("%s: %d W at %d GH/s are %d mJ/TH, printed %d", m.Name, m.Watts, m.RateGHs, milliJTH, m.MilliJTH)
		}
	}
	if len(seen) < 120 {
		t.Errorf("%d models, want 120 or more", len(seen))
	}
}
