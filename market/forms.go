package market

import "strings"

// field maps a header of a known form to our name and unit.
type field struct{ header, name, unit string }

// form is a file layout that we recognise by its headers. Headers are compared as normal writes them; of the columns
// that a form lists, only its needs must be there.
type form struct {
	name    string
	needs   []string // headers that must all be there, lower case
	time    []string // candidates for the time column, in order of preference
	texts   []field
	numbers []field
	origin  string
}

// forms are tried in order; the first whose needs are met wins, so the more
// particular come first.
var forms = []form{
	{name: "snapshot", needs: []string{"name_as_printed", "market_cap_usd", "price_usd", "supply", "ticker_as_printed"},
		texts: []field{{"name_as_printed", "name", ""}, {"ticker_as_printed", "ticker", ""}},
		numbers: []field{{"rank", "rank", "count"}, {"market_cap_usd", "cap_usd", "USD"},
			{"price_usd", "price_usd", "USD"}, {"volume_24h_usd", "volume_usd", "USD/day"},
			{"supply", "supply", "coin"}}},
	{name: "coinmarketcap", needs: []string{"timeopen", "open", "high", "low", "close", "marketcap"},
		time: []string{"timeopen"}, origin: "CoinMarketCap, prices and volumes in USD",
		texts: []field{{"name", "coin", ""}, {"timeclose", "time_close", ""}, {"timehigh", "time_high", ""},
			{"timelow", "time_low", ""}, {"timestamp", "timestamp", ""}},
		numbers: []field{{"open", "open", "USD"}, {"high", "high", "USD"}, {"low", "low", "USD"},
			{"close", "close", "USD"}, {"volume", "volume_quote", "USD"}, {"marketcap", "cap_usd", "USD"},
			{"circulatingsupply", "supply", "coin"}}},
	{name: "coingecko", needs: []string{"snapped_at", "price", "market_cap", "total_volume"},
		time: []string{"snapped_at"}, origin: "CoinGecko, in USD unless another currency was chosen",
		numbers: []field{{"price", "price_usd", "USD"}, {"market_cap", "cap_usd", "USD"},
			{"total_volume", "volume_quote", "USD"}}},
	{name: "investing", needs: []string{"date", "price", "open", "high", "low"}, time: []string{"date"},
		origin: "investing.com",
		numbers: []field{{"price", "close", "quote"}, {"open", "open", "quote"}, {"high", "high", "quote"},
			{"low", "low", "quote"}, {"vol.", "volume_base", "base"}, {"change %", "change_pct", "percent"}}},
	{name: "coinmetrics", needs: []string{"priceusd"}, time: []string{"date", "time"}, numbers: coinMetrics,
		origin: "Coin Metrics community data (CC BY-NC 4.0)"},
	{name: "coinmetrics", needs: []string{"referencerateusd"}, time: []string{"date", "time"}, numbers: coinMetrics,
		origin: "Coin Metrics community data (CC BY-NC 4.0)"},
	{name: "ohlc", needs: []string{"open", "high", "low", "close"}, time: []string{"unix", "unix timestamp",
		"timestamp", "open time", "open_time", "time", "datetime", "date"},
		texts: []field{{"symbol", "symbol", ""}, {"ticker", "ticker_symbol", ""}, {"per", "period", ""}},
		numbers: []field{{"open", "open", "quote"}, {"high", "high", "quote"}, {"low", "low", "quote"},
			{"close", "close", "quote"}, {"adj close", "adjusted_close", "quote"}, {"trades", "trades", "count"},
			{"tradecount", "trades", "count"}, {"count", "trades", "count"},
			{"quote_volume", "volume_quote", "quote"}, {"quote_asset_volume", "volume_quote", "quote"},
			{"quote asset volume", "volume_quote", "quote"}, {"vol", "volume_base", "base"},
			{"vwap", "vwap", "quote"}}},
	{name: "ohlc", needs: []string{"o", "h", "l", "c"}, time: []string{"ts", "t", "time", "timestamp", "date"},
		numbers: []field{{"o", "open", "quote"}, {"h", "high", "quote"}, {"l", "low", "quote"}, {"c", "close", "quote"},
			{"v", "volume_base", "base"}, {"vol", "volume_base", "base"}, {"volccyquote", "volume_quote", "quote"}}},
	{name: "cambridge-share", needs: []string{"country", "share_pct"}, time: []string{"month", "date", "time"},
		texts: []field{{"country", "country", ""}}, numbers: cambridgeShare,
		origin: "Cambridge Centre for Alternative Finance, CBECI mining map"},
	{name: "cambridge-share", needs: []string{"country", "monthly_hashrate_%"}, time: []string{"month", "date", "time"},
		texts: []field{{"country", "country", ""}}, numbers: cambridgeShare,
		origin: "Cambridge Centre for Alternative Finance, CBECI mining map"},
	{name: "cambridge-province", needs: []string{"province", "share_of_chinese_hashrate_pct"},
		time:    []string{"month", "date", "time"},
		texts:   []field{{"province", "province", ""}},
		numbers: []field{{"share_of_chinese_hashrate_pct", "share_pct", "percent"}},
		origin:  "Cambridge Centre for Alternative Finance, CBECI mining map"},
	{name: "cambridge-consumption", needs: []string{"twh_at_0.05_usd_kwh"}, time: []string{"date", "time"},
		origin: "Cambridge Centre for Alternative Finance, CBECI",
		numbers: []field{{"twh_at_0.03_usd_kwh", "twh_at_0.03", "TWh/year"},
			{"twh_at_0.05_usd_kwh", "twh_at_0.05", "TWh/year"}, {"twh_at_0.07_usd_kwh", "twh_at_0.07", "TWh/year"},
			{"twh_at_0.10_usd_kwh", "twh_at_0.10", "TWh/year"}, {"twh_at_0.15_usd_kwh", "twh_at_0.15", "TWh/year"}}},
	{name: "cambridge-consumption", needs: []string{"annualised consumption guess, twh"},
		time: []string{"date and time", "timestamp"}, origin: "Cambridge Centre for Alternative Finance, CBECI",
		texts: []field{{"timestamp", "timestamp", ""}},
		numbers: []field{{"annualised consumption max, twh", "twh_high", "TWh/year"},
			{"annualised consumption min, twh", "twh_low", "TWh/year"},
			{"annualised consumption guess, twh", "twh_best", "TWh/year"},
			{"power max, gw", "gw_high", "GW"}, {"power min, gw", "gw_low", "GW"},
			{"power guess, gw", "gw_best", "GW"}}},
	{name: "pool-blocks", needs: []string{"pool_slug", "blocks"}, time: []string{"day", "month", "date"},
		texts: []field{{"pool_slug", "pool", ""}}, numbers: []field{{"blocks", "blocks", "count"}},
		origin: "blocks attributed to pools by coinbase tag"},
	{name: "cbr", needs: []string{"nominal", "date", "price", "cdx"}, time: []string{"date"},
		origin: "Bank of Russia, official rates", texts: []field{{"cdx", "currency", ""}},
		numbers: []field{{"nominal", "nominal", "count"}, {"price", "close", "RUB"}}},
	{name: "cbr", needs: []string{"date", "nominal", "value"}, time: []string{"date"},
		origin: "Bank of Russia, official rates", texts: []field{{"charcode", "currency", ""}, {"id", "id", ""},
			{"numcode", "numcode", ""}},
		numbers: []field{{"nominal", "nominal", "count"}, {"value", "close", "RUB"}}},
	{name: "official-rate", needs: []string{"date", "fullname", "title", "description", "quant"},
		time: []string{"date"}, origin: "National Bank of Kazakhstan, official rates",
		texts:   []field{{"title", "currency", ""}, {"fullname", "name", ""}},
		numbers: []field{{"quant", "nominal", "count"}, {"description", "close", "KZT"}}},
	{name: "official-rate", needs: []string{"kzt_per_usd"}, time: []string{"date", "time"},
		origin:  "National Bank of Kazakhstan, official rate",
		numbers: []field{{"quant", "quantity", "count"}, {"kzt_per_usd", "kzt_per_usd", "KZT/USD"}}},
	{name: "devices", needs: []string{"device", "release_date", "efficiency_j_per_gh"}, time: []string{"release_date"},
		texts:   []field{{"device", "device", ""}},
		numbers: []field{{"efficiency_j_per_gh", "efficiency_j_per_gh", "J/GH"}},
		origin:  "Cambridge Centre for Alternative Finance, CBECI device list"},
	{name: "macro", needs: []string{"quarter", "cpi"}, time: []string{"quarter"},
		numbers: []field{{"real_gdp", "real_gdp", "billion KZT"}, {"cpi", "cpi", "index"},
			{"usdkzt", "kzt_per_usd", "KZT/USD"}, {"tonia_rate", "tonia_pct", "percent"},
			{"gdp", "gdp", "billion KZT"}, {"base_money", "base_money", "billion KZT"}, {"m1", "m1", "billion KZT"},
			{"m3", "m3", "billion KZT"}, {"deposits", "deposits", "billion KZT"},
			{"deposits_fx", "deposits_fx", "billion KZT"}}},
	{name: "crypto-residents", needs: []string{"quarter", "holdings_usd"}, time: []string{"quarter"},
		numbers: []field{{"holdings_usd", "holdings_usd", "USD"}, {"inflow_usd", "inflow_usd", "USD/quarter"},
			{"outflow_usd", "outflow_usd", "USD/quarter"}, {"illicit_pct", "illicit_pct", "percent"}}},
	{name: "holders", needs: []string{"holder", "amount"}, texts: []field{{"holder", "holder", ""}},
		numbers: []field{{"amount", "amount", "coin"}}, origin: "list of holders"},
	// Our own Parquet files, read back: names are already ours.
	{name: "normalised", needs: []string{"time", "price_usd"}, time: []string{"time"}},
	{name: "pool-blocks", needs: []string{"time", "pool", "blocks"}, time: []string{"time"},
		texts: []field{{"pool", "pool", ""}}},
	{name: "official-rate", needs: []string{"time", "kzt_per_usd"}, time: []string{"time"}},
	{name: "blockchain.com", needs: []string{"timestamp", "market-price"}, time: []string{"timestamp"},
		numbers: blockchainCom, origin: "blockchain.com charts"},
	{name: "blockchain.com", needs: []string{"timestamp", "hash-rate"}, time: []string{"timestamp"},
		numbers: blockchainCom, origin: "blockchain.com charts"},
	{name: "blockchain.com", needs: []string{"timestamp", "market-cap"}, time: []string{"timestamp"},
		numbers: blockchainCom, origin: "blockchain.com charts"},
	{name: "blockchain.com", needs: []string{"timestamp", "n-transactions"}, time: []string{"timestamp"},
		numbers: blockchainCom, origin: "blockchain.com charts"},
	{name: "kase", needs: []string{"date", "close", "open", "weighted average"}, time: []string{"date"},
		origin: "Kazakhstan Stock Exchange",
		numbers: []field{{"open", "open", "quote"}, {"high", "high", "quote"}, {"low", "low", "quote"},
			{"close", "close", "quote"}, {"weighted average", "vwap", "quote"}}},
	{name: "close", needs: []string{"close"}, time: []string{"date", "time", "unix", "timestamp"},
		numbers: []field{{"close", "close", "quote"}}},
}

// blockchainCom are the charts that may stand in one file.
var blockchainCom = []field{{"market-price", "price_usd", "USD"}, {"market-cap", "cap_usd", "USD"},
	{"total-bitcoins", "supply", "coin"}, {"hash-rate", "hash_rate_ths", "TH/s"},
	{"n-transactions", "transactions", "count/day"}, {"transaction-fees-usd", "fees_usd", "USD/day"},
	{"trade-volume", "volume_usd", "USD/day"}, {"estimated-transaction-volume-usd", "transfer_value_usd", "USD/day"}}

// coinMetrics are the metrics of which the community's files have a choice.
var coinMetrics = []field{
	{"priceusd", "price_usd", "USD"}, {"referencerateusd", "price_usd", "USD"}, {"capmrktcurusd", "cap_usd", "USD"},
	{"splycur", "supply", "coin"},
	{"hashrate", "hash_rate_ths", "TH/s"}, {"blkcnt", "blocks", "count/day"}, {"txcnt", "transactions", "count/day"},
	{"txtfrcnt", "transfers", "count/day"},
	{"adractcnt", "active_addresses", "count/day"}, {"adrbalcnt", "funded_addresses", "count"},
	{"feetotntv", "fees_native", "coin/day"}, {"feetotusd", "fees_usd", "USD/day"},
	{"feemedusd", "fee_median_usd", "USD"}, {"isstotntv", "issuance_native", "coin/day"},
	{"capmvrvcur", "mvrv", "ratio"},
	{"volume_reported_spot_usd_1d", "volume_usd", "USD/day"}, {"txtfrvaladjusd", "transfer_value_usd", "USD/day"},
	{"nvtadj", "nvt", "ratio"},
	{"blkwghtmean", "block_weight_mean", "WU"}, {"blksizemean", "block_size_mean", "bytes"},
	{"blksizemeanbyte", "block_size_mean", "bytes"}, {"vtydayret30d", "vol_30d", "per day"},
	{"vtydayret60d", "vol_60d", "per day"}, {"vtydayret180d", "vol_180d", "per day"},
}

// cambridgeShare are the columns of the mining map, in the two ways it was published.
var cambridgeShare = []field{
	{"share_pct", "share_pct", "percent"}, {"monthly_hashrate_%", "share_pct", "percent"},
	{"abs_hashrate_ehs", "hash_rate_ehs", "EH/s"}, {"monthly_absolute_hashrate_eh/s", "hash_rate_ehs", "EH/s"},
}

// recognise finds the form of a header row, or nil.
func recognise(headers []string) *form {
	has := map[string]bool{}
	for _, h := range headers {
		has[normal(h)] = true
	}
next:
	for i := range forms {
		for _, need := range forms[i].needs {
			if !has[need] {
				continue next
			}
		}
		return &forms[i]
	}
	return nil
}

// recognise finds the form of the file's header, or nil: by name, as a table
// of official rates, or as a series of the Federal Reserve's data service.
func (g *grid) recognise(options ReadOptions) *form {
	if known := recognise(g.headers); known != nil {
		return known
	}
	if known := rateForm(g.headers); known != nil {
		return known
	}
	if len(g.headers) == 2 && len(options.Columns) == 0 {
		series := g.headers[1]
		if normal(g.headers[0]) == "observation_date" || g.headers[0] == "DATE" && len(series) > 3 &&
			strings.ToUpper(series) == series {
			return &form{name: "fred", needs: []string{g.headers[0], series}, time: []string{normal(g.headers[0])},
				origin:  "FRED, series " + series,
				numbers: []field{{normal(series), "value", "undeclared"}}}
		}
	}
	return nil
}

// volumeField names an exchange's volume column: "Volume BTC" is in the base
// coin, "Volume USD" in the quote currency, a bare "volume" in the base coin.
func volumeField(header string) (field, bool) {
	rest, ok := strings.CutPrefix(normal(header), "volume")
	if !ok {
		return field{}, false
	}
	switch rest {
	case "_base", "_quote": // our own name
		return field{normal(header), normal(header), strings.TrimPrefix(rest, "_")}, true
	}
	switch unit := strings.ToUpper(strings.Trim(rest, " _()")); unit {
	case "USD", "USDT", "USDC", "EUR", "KZT", "RUB", "GBP":
		return field{normal(header), "volume_quote", unit}, true
	case "", "FROM": // CryptoCompare's from and to
		return field{normal(header), "volume_base", "base"}, true
	case "TO":
		return field{normal(header), "volume_quote", "quote"}, true
	case "CURRENCY", "QUOTE":
		return field{normal(header), "volume_quote", "quote"}, true
	default:
		return field{normal(header), "volume_base", unit}, true
	}
}

// canonical finds a column that already has our name, with its unit: a file that the program has written, or one whose
// author has gone by the documents. Of forms that give a name different units the first one counts.
func canonical(header string) (field, bool) {
	for _, f := range forms {
		for _, known := range f.numbers {
			if known.name == normal(header) {
				return field{normal(header), known.name, known.unit}, true
			}
		}
	}
	return field{}, false
}
