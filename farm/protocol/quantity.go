package protocol

import (
	"math"
	"strconv"
	"strings"
)

// quantity reads a number that stands at the beginning of a text, and what follows it: "13.5 TH/s", "5400 RPM",
// "485,2", "456.78 (AB)", "6226G". A comma is a decimal one unless three digits follow it, or a point does: "1,072.24"
// is grouped, and "1,072" could be either and is none.
func quantity(text string) (number float64, unit string, ok bool) {
	text = strings.TrimSpace(text)
	end := 0
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || text[end] == '.' || text[end] == ',' ||
		end == 0 && (text[0] == '-' || text[0] == '+')) {
		end++
	}
	if end == 0 {
		return 0, "", false
	}
	digits, unit := text[:end], strings.TrimSpace(text[end:])
	if at := strings.IndexByte(digits, ','); at >= 0 {
		switch {
		case strings.IndexByte(digits, '.') > at:
			digits = strings.ReplaceAll(digits, ",", "")
		case strings.Count(digits, ",") == 1 && len(digits)-at-1 != 3 && !strings.Contains(digits, "."):
			digits = digits[:at] + "." + digits[at+1:]
		default:
			return 0, "", false
		}
	}
	number, err := strconv.ParseFloat(digits, 64)
	if err != nil || math.IsInf(number, 0) {
		return 0, "", false
	}
	return number, unit, true
}

// plainUnit says whether a unit behind a number leaves it as it is: firmwares write the one that the field has anyway.
func plainUnit(unit string) bool {
	switch strings.ToUpper(unit) {
	case "", "RPM", "W", "C", "°C", "℃", "%", "V", "S", "SEC", "MHZ":
		return true
	}
	return false
}

// rateUnit is how many hashes a unit of rates stands for: "TH/s", "GHS", "G"; 0 when it is none.
func rateUnit(unit string) float64 {
	unit = strings.TrimSuffix(strings.ToUpper(unit), "/S")
	if len(unit) > 1 {
		unit = strings.TrimSuffix(unit, "S")
	}
	if len(unit) > 1 {
		unit = strings.TrimSuffix(unit, "H")
	}
	switch unit {
	case "H":
		return 1
	case "K":
		return 1e3
	case "M":
		return 1e6
	case "G":
		return 1e9
	case "T":
		return 1e12
	case "P":
		return 1e15
	case "E":
		return 1e18
	}
	return 0
}

// inRange is a rate or work of 10^6 hashes as an integer; Unknown when it is none.
func inRange(mhs float64) int64 {
	if !(mhs >= 0) || mhs > 1<<62 {
		return Unknown
	}
	return int64(math.Round(mhs))
}
