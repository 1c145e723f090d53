package paper

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/aqsha/aqsha/words"
)

// Asset classes a coin of the paper by substance and purpose.
type Asset struct {
	Ticker    string `json:"ticker"`
	Name      string `json:"name"`
	Substance string `json:"substance"` // coin of its own chain, or token on another's
	Purpose   string `json:"purpose"`   // payment, platform, stable, exchange
	Mineable  bool   `json:"mineable"`
	Starred   bool   `json:"starred_in_paper"` // the paper's *, which seems to mean "not mineable"
	AsOf      string `json:"as_of"`
}

// assets as they stood at the table's date; XRP is named in the text only.
var assets = []Asset{
	{"BTC", "Bitcoin", "coin", "payment", true, false, "2018-04-13"},
	{"ETH", "Ethereum", "coin", "platform", true, false, "2018-04-13"},
	{"XRP", "Ripple", "coin", "payment", false, false, "2018-04-13"},
	{"BCH", "Bitcoin Cash", "coin", "payment", true, false, "2018-04-13"},
	{"LTC", "Litecoin", "coin", "payment", true, false, "2018-04-13"},
	{"EOS", "EOS", "token on Ethereum until June 2018", "platform", false, true, "2018-04-13"},
	{"XLM", "Stellar", "coin", "payment", false, false, "2018-04-13"},
	{"NEO", "NEO", "coin", "platform", false, true, "2018-04-13"},
	{"TRX", "TRON", "token on Ethereum until June 2018", "platform", false, true, "2018-04-13"},
	{"XEM", "NEM", "coin", "platform", false, true, "2018-04-13"},
	{"USDT", "Tether", "token on Bitcoin's Omni layer", "stable", false, true, "2018-04-13"},
	{"VEN", "VeChain", "token on Ethereum until July 2018", "platform", false, true, "2018-04-13"},
	{"ETC", "Ethereum Classic", "coin", "platform", true, false, "2018-04-13"},
	{"BNB", "Binance Coin", "token on Ethereum until April 2019", "exchange", false, true, "2018-04-13"},
}

// Legal is the standing of cryptocurrency in a country from a day on.
type Legal struct {
	Country string `json:"country"`
	From    string `json:"from"`
	Status  string `json:"status"`
	Source  string `json:"source"`
}

// legal is what the law of some countries says of digital assets, from the day it is in force or was given out.
var legal = []Legal{
	{"Kazakhstan", "2020-06-25",
		"digital assets are property, not means of payment; mining may be done on notice to the authority",
		"Law 347-VI on digital technologies"},
	{"Kazakhstan", "2023-04-01",
		"issue and circulation of unsecured digital assets only inside the Astana International Financial Centre; " +
			"mining under licence; the tenge is the only legal tender", "Law 193-VII on digital assets"},
	{"China", "2021-09-24", "trading and exchange services forbidden, mining to be wound up",
		"notice of the People's Bank and nine bodies, 24 September 2021"},
	{"United States", "2014-03-25", "property for federal tax", "IRS Notice 2014-21"},
	{"Russia", "2021-01-01", "digital currency is property, not accepted as payment between residents",
		"Federal Law 259-FZ"},
	{"Japan", "2017-04-01", "means of settlement, exchanges registered", "Payment Services Act as amended in 2016"},
	{"El Salvador", "2021-09-07", "legal tender besides the dollar", "Bitcoin Law, decree 57"},
	{"El Salvador", "2025-05-01", "acceptance voluntary, no taxes in bitcoin", "decree 199 of January 2025"},
	{"European Union", "2024-12-30", "issuers and service providers regulated, stable coins since June 2024",
		"Regulation (EU) 2023/1114 (MiCA)"},
}

// printAssets tells classes and legal standing; where the paper's star and the
// asset disagree it says so.
func printAssets(w io.Writer, l words.Language, assets []Asset, legal []Legal) {
	fmt.Fprintf(w, "\n%s\n", l.Text("paper.assets"))
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	for _, a := range assets {
		mining, star := l.Text("paper.mineable"), ""
		if !a.Mineable {
			mining = l.Text("paper.not-mineable")
		}
		if a.Starred == a.Mineable && a.Ticker != "XRP" { // Ripple's row is missing from the table
			star = l.Text("paper.star")
		}
		fmt.Fprintf(tab, "  %s\t%s\t%s\t%s\t%s\t%s\n", a.Ticker, a.Name,
			l.Phrase("market-word", a.Substance), l.Phrase("market-word", a.Purpose), mining, star)
	}
	tab.Flush()
	fmt.Fprintf(w, "\n%s\n", l.Text("paper.legal"))
	for _, x := range legal {
		fmt.Fprintln(w, l.Text("paper.legal-row", "country", l.Phrase("market-word", x.Country), "from", x.From,
			"status", l.Phrase("market-word", x.Status), "source", x.Source))
	}
}
