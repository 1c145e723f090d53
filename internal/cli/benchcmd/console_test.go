package benchcmd

import (
	"strings"
	"testing"
)

// Payments are made in turns with and without subscribers, all of whom hear of every block; a program whose measurement
// of pages was left out says so.
func TestPaymentsBesideSubscribers(t *testing.T) {
	result := consoleBench{Rounds: 2, Subscribers: 20, NoBrowser: "left out"}
	if err := benchServed(t.Context(), result.Subscribers, func(n *pagesNode) error {
		return n.payments(t.Context(), 100, &result)
	}); err != nil {
		t.Fatal(err)
	}
	if result.Heard != 1 || result.WithEvents <= 0 || result.WithoutThem <= 0 ||
		result.EventsRatio != result.WithEvents/result.WithoutThem {
		t.Errorf("%+v", result)
	}
	var text strings.Builder
	describeConsole(&text, result)
	if !strings.Contains(text.String(), "20 subscribers") || strings.Contains(text.String(), "largest paint") {
		t.Errorf("%s", text.String())
	}
}
