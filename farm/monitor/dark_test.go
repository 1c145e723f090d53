package monitor_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aqsha/aqsha/farm/daily"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/words"
)

// A farm that goes dark as a whole is seen to be dark, up to when the watch last looked, and its outage is in the
// account; a farm that nobody watches any more is said to be that, in every language.
func TestADarkFarmIsSeenToBeDark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := usage.At(time.Now())
		units := simulate.Units(7, 3, protocol.Braiins, now, nil)
		for _, u := range units {
			u.Break(simulate.Fault{Kind: simulate.Offline, From: now + 2*usage.Hour})
		}
		b, d := newMonitor(t, units, nil)
		if err := b.Fleet.Save(); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), 3*time.Hour)
		defer stop()
		if err := d.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := records.OpenReader(b.Dir)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		r.Prices = []records.PricePoint{{Price: usage.Price{Hashprice: 600_000_000, Bitcoin: 5_000_000_000}}}
		if behind := now + 3*usage.Hour - r.Newest(); behind < 0 || behind > usage.Minute {
			t.Errorf("the time that is spoken of ends %d s before the watch did", behind/usage.Second)
		}
		views, err := r.Views()
		if err != nil {
			t.Fatal(err)
		}
		o := records.OverviewOf("", views, time.Now())
		if o.Whole.Answering != 0 || o.Whole.RateMHs != 0 || o.Whole.Machines != 7 {
			t.Errorf("at a glance: %+v", o.Whole)
		}
		page, err := daily.Build(t.Context(), r, 0, time.Now(), 10, nil)
		if err != nil {
			t.Fatal(err)
		}
		third := false // of three hours
		for _, c := range page.Causes {
			third = third || (c.Cause == usage.CauseUnknown && c.PPM > 320_000 && c.PPM < 345_000)
		}
		if page.Running != 0 || page.Silent != 7 || page.Unwatched != nil || !third || page.Lost < page.Accepted*45/100 {
			t.Errorf("the page: %d run, %d are silent, lost %d, accepted %d, %+v", page.Running, page.Silent, page.Lost,
				page.Accepted, page.Causes)
		}
		// An hour on nobody watches: nothing later is spoken of.
		time.Sleep(time.Hour)
		later, err := daily.Build(t.Context(), r, 0, time.Now(), 10, nil)
		if err != nil || later.Unwatched == nil || !later.Unwatched.Equal(r.Newest().Time()) || later.Lost != page.Lost {
			t.Fatalf("an hour later: %+v, %v", later, err)
		}
		for l, want := range map[words.Language]string{words.English: "Nobody has watched since Sat 1 Jan",
			words.Russian: "никто не следит", words.Kazakh: "ешкім бақыламайды"} {
			var text bytes.Buffer
			later.Print(&text, l, func(w io.Writer, write func(io.Writer)) { write(w) },
				func(text string) string { return text })
			if !strings.Contains(text.String(), want) {
				t.Errorf("no %q in %s", want, text.String())
			}
		}
	})
}
