package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Visit is how a page is met.
type Visit struct {
	Slower int  // the processor, so many times; 1 is as it is
	Slow4G bool // 1.6 Mbit/s, 150 ms
	Second bool // the page was visited before in the same profile
}

// The network of a slow 4G, as browsers' tools define it.
const (
	slowLatencyMillis = 150
	slowDownload      = 1_600_000 / 8 // bytes a second
	slowUpload        = 750_000 / 8
)

// visitWait bounds one visit.
const visitWait = 60 * time.Second

// painted waits until the page has loaded and what it fetches is there, then reads the largest paint (W3C Largest
// Contentful Paint). A paint comes with a frame, so two are waited for.
const painted = `(async () => {
	const until = performance.now() + 20000
	const ready = () => document.readyState === "complete" && document.querySelector("h1") &&
		!document.querySelector(".skeleton")
	while (!ready() && performance.now() < until) await new Promise((r) => setTimeout(r, 20))
	if (!ready()) return -1
	await new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))
	return new Promise((r) => {
		let last = 0
		new PerformanceObserver((list) => { for (const e of list.getEntries()) last = Math.max(last, e.startTime) })
			.observe({ type: "largest-contentful-paint", buffered: true })
		setTimeout(() => r(last), 300)
	})
})()`

// ErrNotPainted means that a page showed nothing in time.
var ErrNotPainted = errors.New("the page did not come to rest within 20 seconds")

// LargestPaint visits an address in a profile of its own and returns when the largest thing was painted, from the
// visit's beginning.
func (b *Browser) LargestPaint(ctx context.Context, address string, v Visit) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, visitWait)
	defer cancel()
	profile, session, err := b.tab(ctx, v)
	if err != nil {
		return 0, err
	}
	defer b.leave(ctx, profile)
	if v.Second {
		if _, err := b.visit(ctx, session, address); err != nil {
			return 0, err
		}
	}
	return b.visit(ctx, session, address)
}

// tab opens an empty page in a profile of its own.
func (b *Browser) tab(ctx context.Context, v Visit) (profile, session string, err error) {
	made, err := b.command(ctx, "", "Target.createBrowserContext", nil)
	if err != nil {
		return "", "", err
	}
	profile = made.name("browserContextId")
	target, err := b.command(ctx, "", "Target.createTarget", object{"url": "about:blank", "browserContextId": profile})
	if err == nil {
		made, err = b.command(ctx, "", "Target.attachToTarget", object{"targetId": target.name("targetId"),
			"flatten": true})
	}
	if err == nil {
		session = made.name("sessionId")
		err = b.slow(ctx, session, v)
	}
	if err != nil {
		b.leave(ctx, profile)
	}
	return profile, session, err
}

// leave forgets a profile and its pages.
func (b *Browser) leave(ctx context.Context, profile string) {
	_, _ = b.command(context.WithoutCancel(ctx), "", "Target.disposeBrowserContext",
		object{"browserContextId": profile})
}

// slow makes the processor and the network of a tab what they are to be.
func (b *Browser) slow(ctx context.Context, session string, v Visit) error {
	_, err := b.command(ctx, session, "Emulation.setCPUThrottlingRate", object{"rate": max(1, v.Slower)})
	if err != nil || !v.Slow4G {
		return err
	}
	if _, err := b.command(ctx, session, "Network.enable", nil); err != nil {
		return err
	}
	_, err = b.command(ctx, session, "Network.emulateNetworkConditions", object{"offline": false,
		"latency": slowLatencyMillis, "downloadThroughput": slowDownload, "uploadThroughput": slowUpload})
	return err
}

func (b *Browser) visit(ctx context.Context, session, address string) (time.Duration, error) {
	if _, err := b.command(ctx, session, "Page.navigate", object{"url": address}); err != nil {
		return 0, err
	}
	answer, err := b.command(ctx, session, "Runtime.evaluate", object{"expression": painted, "awaitPromise": true,
		"returnByValue": true})
	if err != nil {
		return 0, err
	}
	result, _ := answer["result"].(map[string]any)
	millis, ok := result["value"].(float64)
	if !ok || millis <= 0 {
		return 0, fmt.Errorf("%s: %w", address, ErrNotPainted)
	}
	return time.Duration(millis * float64(time.Millisecond)), nil
}

// Medians visits pages in turns, so many rounds, and returns the median of each.
func (b *Browser) Medians(ctx context.Context, addresses []string, v Visit, rounds int) ([]time.Duration, error) {
	times := make([][]time.Duration, len(addresses))
	for range rounds {
		for i, address := range addresses {
			d, err := b.LargestPaint(ctx, address, v)
			if err != nil {
				return nil, err
			}
			times[i] = append(times[i], d)
		}
	}
	medians := make([]time.Duration, len(addresses))
	for i, list := range times {
		slices.Sort(list)
		medians[i] = list[len(list)/2]
	}
	return medians, nil
}
