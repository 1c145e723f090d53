package query

import (
	"context"
	"math"
	"net/url"
	"strings"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/study"
)

// whole is a parameter that is a whole number between bounds.
func whole(q url.Values, name string, otherwise, least, most int) (int, error) {
	v, err := number(q, name, float64(otherwise))
	if err != nil {
		return 0, err
	}
	if !(v >= float64(least) && v <= float64(most) && v == math.Trunc(v)) {
		return 0, market.Refuse("choice", name, "%g; a whole number from %d to %d", v, least, most)
	}
	return int(v), nil
}

// changed answers with few simulated walks, so that a request costs about a second.
func changed(ctx context.Context, f Folder, q url.Values) (any, error) {
	in, err := f.input(q)
	if err != nil {
		return nil, err
	}
	k, err := whole(q, "regimes", 0, 0, 3)
	if err != nil {
		return nil, err
	}
	return study.StudyBreaks(ctx, in, study.BreaksOptions{Regimes: k, Paths: 99, Seed: 1})
}

func traded(_ context.Context, f Folder, q url.Values) (any, error) {
	in, err := f.input(q)
	if err != nil {
		return nil, err
	}
	return study.StudyLiquidity(in)
}

// insideDays answers with the realised measures of prices within days; level is that of the test of jumps.
func insideDays(_ context.Context, f Folder, q url.Values) (any, error) {
	in, err := f.input(q)
	if err != nil {
		return nil, err
	}
	level, err := number(q, "level", 0.001)
	if err != nil {
		return nil, err
	}
	return study.StudyIntraday(in, level)
}

// maxFiles of one question: a request reads each.
const maxFiles = 6

// together answers with spillovers and correlations between files. lags 0 lets the study choose them; ahead is the
// horizon of the forecast in steps.
func together(ctx context.Context, f Folder, q url.Values) (any, error) {
	names := strings.Split(q.Get("files"), ",")
	if len(names) < 2 || len(names) > maxFiles {
		return nil, market.Refuse("file-name", "files", "%d files; want 2 to %d, between commas", len(names), maxFiles)
	}
	lags, err := whole(q, "lags", 0, 0, 10)
	if err != nil {
		return nil, err
	}
	ahead, err := whole(q, "ahead", 10, 1, 50)
	if err != nil {
		return nil, err
	}
	var inputs []study.Input
	for _, name := range names {
		t, err := f.table(name)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, study.Input{Table: t, From: q.Get("from"), To: q.Get("to")})
	}
	return study.StudySpillover(ctx, inputs, lags, ahead)
}
