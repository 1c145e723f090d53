package node_test

import (
	"context"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/node"
)

// keepsList is a leader to whom a follower says which list of followers it keeps.
type keepsList struct {
	node.Leader
	to *node.Node
	id string
}

func (k keepsList) Cosign(_ context.Context, signed []byte) error {
	return k.to.Cosign(signed, node.Cosigner{Members: k.id})
}

// A follower that does not know of another that was added could be promoted without asking it. So what is answered is
// acknowledged under the list before too, until that follower says that it keeps the new one.
func TestAnAddedFollowerAcknowledgesAloneWhenTheOthersKnow(t *testing.T) {
	signer1, verifier1 := cosigner(t, "follower.one")
	signer2, verifier2 := cosigner(t, "follower.two")
	f := newFleet(t, func(c *node.Config) { c.Followers, c.Acks = []note.Verifier{verifier1}, 1 })
	c1 := f.copyConfig()
	one, stop := follow(t, c1, to(f.leader), signer1)
	f.populate(t.Context())
	until(t, "it has all", func() bool { return one.Head().Size == f.leader.Head().Size })
	_ = stop()
	_, _ = follow(t, f.copyConfig(), to(f.leader), signer2)

	before := []note.Verifier{verifier1}
	for name, wrong := range map[string]error{
		"more acknowledge than follow": f.leader.SetMembers(before, 2, "x"),
		"nobody acknowledges any more": f.leader.SetMembers(before, 0, "x"),
	} {
		if wrong == nil {
			t.Error("taken: " + name)
		}
	}
	if f.leader.Acks() != 1 || f.leader.MembersID() != "" {
		t.Error("what was refused changed something")
	}
	if err := f.leader.SetMembers([]note.Verifier{verifier1, verifier2}, 1, "new"); err != nil {
		t.Fatal(err)
	}
	until(t, "the new one is heard", func() bool {
		return slices.ContainsFunc(f.leader.Followers(), func(s node.FollowerState) bool { return s.Name == verifier2.Name() && s.Connected })
	})
	if names := f.leader.Unsettled(); !slices.Equal(names, []string{verifier1.Name()}) {
		t.Errorf("it waits for %v", names)
	}
	unanswered(t, f)

	one, stop = follow(t, c1, keepsList{to(f.leader), f.leader, "new"}, signer1)
	until(t, "it knows", func() bool { return len(f.leader.Unsettled()) == 0 })
	_ = stop()
	until(t, "what waited is answered", func() bool { return f.leader.Head().Size == f.leader.Log().Size() })
	// Who is taken out counts no more, and nobody has to hear of it whom nobody would promote.
	if err := f.leader.SetMembers([]note.Verifier{verifier2}, 1, "less"); err != nil {
		t.Fatal(err)
	}
	if list := f.leader.Followers(); len(list) != 1 || list[0].Name != verifier2.Name() {
		t.Errorf("%+v", list)
	}
}
