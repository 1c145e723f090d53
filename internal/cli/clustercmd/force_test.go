package clustercmd

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/cluster/status"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

// A change is answered when it is in force at the node that was asked, not when it is executed: a removed validator is
// needed for one more block, and a second shows that the others have that one.
func TestAChangeIsAnsweredWhenItIsInForce(t *testing.T) {
	t.Parallel()
	const index = 40
	answers := []status.Status{
		{Since: 12, Height: 8},             // of an earlier change
		{Since: 42, Height: 9, Changed: 9}, // executed
		{Since: 42, Height: 10, Changed: 9},
		{Since: 42, Height: 11}, // the second block behind it
	}
	for blocks, want := range map[uint64]int{status.Handing: 3, status.InForce: 4} {
		asked, notified := 0, 0
		err := awaitBlocks(t.Context(), func(context.Context) (api.Ordering, error) {
			asked++
			return api.Ordering{Cluster: &answers[asked-1]}, nil
		}, index, blocks, func(seen *status.Status) {
			if notified++; seen.Changed != 9 {
				t.Errorf("%+v", seen)
			}
		})
		if err != nil || asked != want || notified != 1 {
			t.Errorf("%d blocks: asked %d times, want %d; notified %d times; %v", blocks, asked, want, notified, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := awaitBlocks(ctx, func(context.Context) (api.Ordering, error) {
		cancel()
		return api.Ordering{Cluster: &status.Status{Since: 42, Height: 9, Changed: 9,
			Members: []status.Member{{Name: "dala", Self: true}}, Leaving: []status.Member{{Name: "central"}}}}, nil
	}, index, status.InForce, func(*status.Status) {})
	var refused *token.Error
	if !errors.As(err, &refused) || refused.Code != "group-unwell" || !strings.Contains(err.Error(), "central") ||
		strings.Contains(err.Error(), "dala") {
		t.Errorf("%v", err)
	}
}

// Who leaves is named in each language until he may be stopped.
func TestWhoIsStillNeededIsNamed(t *testing.T) {
	t.Parallel()
	for _, l := range words.Languages {
		var out bytes.Buffer
		describeCluster(&out, l, &status.Status{Changed: 9, Leaving: []status.Member{{Name: "central\x1b[2J"}}})
		if said := out.String(); !strings.Contains(said, "central") || !strings.Contains(said, "11") ||
			strings.Contains(said, "\x1b") {
			t.Errorf("%s: %q", l, said)
		}
	}
	key := func(b byte) (k token.PublicKey) { k[0], k[1] = 1, b; return k }
	a, b, c := token.Validator{Name: "a", Vote: key(1)}, token.Validator{Name: "b", Vote: key(2)},
		token.Validator{Name: "c", Vote: key(3)}
	if left := without([]token.Validator{a, b, c}, []token.Validator{c, a}); !slices.Equal(left, []token.Validator{b}) {
		t.Errorf("%+v", left)
	}
}
