package copycmd

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog"
)

// What is lost is called answered only where that is known, and left behind only beyond a fence.
func TestWhatIsKnownOfTheLost(t *testing.T) {
	leader, waits, follower := datadir.Config{}, datadir.Config{Acks: 1}, datadir.Config{Leader: "http://a"}
	for name, c := range map[string]struct {
		config       datadir.Config
		acknowledged uint64 // by the directory's file; 0 without
		fence        uint64 // of another's fence; 0 without
		want         lost   // of the entries 10 to 20, 18 of them signed
		says, unsaid string
	}{
		"a leader alone":                            {config: leader, want: lost{Lost: 10, Answered: 8, Unknown: 2}, says: "8 were signed or acknowledged", unsaid: "epoch"},
		"a leader whose followers know":             {config: waits, want: lost{Lost: 10, Unknown: 10}, says: "of 10 it is not known here", unsaid: "rely"},
		"one that was replaced":                     {config: waits, fence: 12, want: lost{Lost: 10, LeftBehind: 8, Unknown: 2, fence: 12, epoch: 3}, says: "8 lie beyond entry 12, where the leader of epoch 3 began", unsaid: "rely"},
		"one that was replaced before all of it":    {config: waits, fence: 5, want: lost{Lost: 10, LeftBehind: 10, fence: 5, epoch: 3}, says: "10 lie beyond entry 5", unsaid: "known here"},
		"one that answered alone, and was replaced": {config: leader, fence: 12, want: lost{Lost: 10, Answered: 8, LeftBehind: 2, fence: 12, epoch: 3}, says: "8 were signed or acknowledged", unsaid: "known here"},
		"a fence beyond everything":                 {config: waits, fence: 20, want: lost{Lost: 10, Unknown: 10}, unsaid: "epoch"},
		"a follower":                                {config: follower, acknowledged: 15, want: lost{Lost: 10, Answered: 5, Unknown: 5}, says: "of 5 it is not known here"},
		"a follower that heard of none":             {config: follower, want: lost{Lost: 10, Unknown: 10}, unsaid: "rely"},
		"a follower that heard of all":              {config: follower, acknowledged: 30, want: lost{Lost: 10, Answered: 10}, unsaid: "known here"},
	} {
		dir := t.TempDir()
		write := func(file, text string) {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if c.acknowledged > 0 {
			write("acknowledged", fmt.Sprintf("tenge\n%d\n%s\n\n— tenge AAAAAAAA\n", c.acknowledged, base64.StdEncoding.EncodeToString(make([]byte, 32))))
		}
		if c.fence > 0 {
			write("fence", node.Fence{Epoch: 3, Size: c.fence, Root: txlog.Hash{}, Leader: "other"}.Text()+"\n— tenge AAAAAAAA\n")
		}
		var got lost
		got.judge(dir, c.config, 18, 10, 20)
		if got != c.want || got.Answered+got.LeftBehind+got.Unknown != got.Lost {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
		if text := got.String(); !strings.Contains(text, c.says) || c.unsaid != "" && strings.Contains(text, c.unsaid) {
			t.Errorf("%s: %s", name, text)
		}
	}
}
