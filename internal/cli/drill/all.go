package drill

// Outcome is what a drill found.
type Outcome struct {
	Seconds  float64 `json:"seconds"`  // the longest from the fault on that no payment was answered
	Answered int     `json:"answered"` // payments, before and after
	Lost     int     `json:"lost"`     // of them, not in the ledger in the end
	Refused  int     `json:"refused"`  // payments that their payers have to ask about
}

// All are what can be rehearsed, in order.
var All = []struct {
	Name, What string
	Play       func(g *Group) error
}{
	{"leader-lost", "the leader is killed and its data deleted; a follower is promoted", (*Group).LeaderLost},
	{"leader-cut-off", "the leader stands still, a follower is promoted, and the old leader goes on",
		(*Group).leaderCutOff},
	{"follower-lost", "one of two followers is killed", (*Group).followerLost},
	{"two-lost", "both followers are killed, and come back", (*Group).twoLost},
	{"wrong-promotion", "the leader and a follower are killed; the other may not lead before that one is back",
		(*Group).wrongPromotion},
	{"switchover", "a follower takes over from a leader that is there", (*Group).switchover},
	{"old-copy", "an old copy of the leader is put back; a follower is promoted", (*Group).oldCopy},
}
