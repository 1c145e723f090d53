package market

import (
	"slices"
	"strings"
)

// normal is a header as forms know it: lower case, without the angle brackets
// of Stooq, in English where spreadsheets, banks and investing.com write it
// otherwise, and with one word for what programs call differently.
func normal(header string) string {
	name := strings.ToLower(strings.Trim(header, "<> \ufeff\u00a0"))
	if english, ok := translated[name]; ok {
		return english
	}
	plain := plainHeader(name)
	if english, ok := translated[plain]; ok {
		return english
	}
	if word, ok := synonyms[plain]; ok {
		return word
	}
	switch plain {
	case "open", "high", "low", "close", "adj close", "date":
		return plain
	case "price", "value":
		if strings.Contains(name, "(") { // price_usd is a name of ours
			return plain
		}
	}
	return name
}

// plainHeader is a header without what only decorates it: a unit in brackets,
// "24h", footnote stars, a currency behind the name, low lines for blanks.
func plainHeader(name string) string {
	if before, rest, ok := strings.Cut(name, "("); ok && unitOf(strings.TrimRight(rest, ") ")) != "" {
		name = before
	}
	name = strings.ReplaceAll(strings.TrimRight(name, "* "), "_", " ")
	name = strings.TrimPrefix(name, "24h ")
	if before, after, ok := strings.Cut(name, ". "); ok && len(before) <= 2 &&
		digitsOnly(before[:min(1, len(before))]) {
		name = after // Alpha Vantage numbers its columns: "4a. close (USD)"
	}
	words := strings.Fields(name)
	if n := len(words); n > 1 && unitOf(words[n-1]) != "" {
		words = words[:n-1]
	}
	return strings.Join(words, " ")
}

// headerUnit is the currency that a header names: "Close (USD)", "price_eur".
func headerUnit(header string) string {
	name := strings.ToLower(header)
	for _, scale := range []string{"тыс", "млн", "млрд", "мың", "thousand", "million", "billion", "mln", "mio", "bn"} {
		if strings.Contains(name, scale) {
			return "" // thousands of it are another unit
		}
	}
	if _, rest, ok := strings.Cut(name, "("); ok {
		return unitOf(strings.TrimRight(rest, ") "))
	}
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == ' ' || r == ',' })
	if len(words) < 2 {
		return ""
	}
	return unitOf(words[len(words)-1])
}

// unit is the currency that a column's header, or the line below it, names.
func (g *grid) unit(column int) string {
	if g.units != nil && g.units[column] != "" {
		return g.units[column]
	}
	return headerUnit(g.headers[column])
}

// unitOf is the code of a currency written as a code or a sign, or "".
func unitOf(word string) string {
	if unit, ok := currencies[word]; ok {
		return unit
	}
	if slices.Contains(codes, word) || slices.Contains(coins, word) {
		return strings.ToUpper(word)
	}
	return ""
}

// coins are those in which prices are quoted.
var coins = []string{"usdt", "usdc", "btc", "eth"}

// synonyms are what programs call the columns that every form has.
var synonyms = map[string]string{
	"open price": "open", "opening price": "open", "price open": "open", "opening": "open", "first": "open",
	"high price": "high", "price high": "high", "highest": "high", "highest price": "high",
	"low price": "low", "price low": "low", "lowest": "low", "lowest price": "low",
	"close price": "close", "closing price": "close", "price close": "close", "closing": "close",
	"close/last": "close", "settle": "close", "settlement": "close", "settlement price": "close", "last price": "close",
	"last": "close", "px last": "close", "px open": "open", "px high": "high", "px low": "low",
	"closeprice": "close", "openprice": "open", "highprice": "high", "lowprice": "low",
	"adj. close": "adj close", "adjclose": "adj close", "adjusted close": "adj close", "adj close price": "adj close",
	"weighted price": "vwap", "change%": "change %", "vol": "vol.",
}

// translated are headers in other languages, as exports write them.
var translated = func() map[string]string {
	words := map[string]string{}
	for english, all := range map[string]string{
		"date": "дата|күні|күн|дата торгов|datum|fecha|data|tarih|tradedate|日期|日付|날짜|дата та час|datums",
		"time": "время|уақыт|уақыты|zeit|hora|heure|ora|godzina|saat|时间",
		"year": "год|жыл|jahr|año|rok", "month": "месяц|ай|monat|mes|miesiąc", "quarter": "квартал|тоқсан|quartal",
		"period": "период|кезең|zeitraum|periodo|période",
		"price": "цена|бағасы|баға|курс|бағамы|бағам|zuletzt|último|ultimo|dernier|şimdi|ostatnio|" +
			"цена last|precio|preis|" +
			"kurs|preço|prezzo|prix|cena|fiyat|curs|ціна|курс валюты|официальный курс|终值|价格|現在値|종가|terakhir",
		"open": "открытие|откр.|цена открытия|ашылуы|курс открытия|ашылу|eröffn.|eröffnung|erster|apertura|ouv.|" +
			"ouverture|abertura|açılış|otwarcie|开盘|始値|오픈|відкриття",
		"high": "максимум|макс.|макс|ең жоғары|максимальный|наибольшая|hoch|máximo|plus haut|máxima|massimo|yüksek|" +
			"najwyzszy|najwyższy|max.|高|高値|고가|maks.|tertinggi|haut",
		"low": "минимум|мин.|мин|ең төмен|минимальный|наименьшая|tief|mínimo|plus bas|mínima|minimo|düşük|najnizszy|" +
			"najniższy|min.|低|安値|저가|terendah|bas",
		"close": "закрытие|цена закрытия|курс закрытия|жабылуы|жабылу|жабылу бағасы|послед.|последняя|schluss|" +
			"schlusskurs|cierre|clôture|fechamento|chiusura|zamkniecie|zamknięcie|kapanış|收盘|закриття",
		"volume": "объём|объем|көлемі|объем торгов|volumen|wolumen|volúmen|hacim|交易量|成交量|обсяг",
		"vol.":   "wol.|hac.|出来高|거래량",
		"change %": "изм. %|изм., %|+/- %|% var.|variation %|var%|var. %|fark %|zmiana%|涨跌幅|變動%|변동 %|изменение, %|" +
			"өзг. %",
		"weighted average": "средневзвешенный|средневзвешенный курс|орташа өлшенген",
		"quant":            "количество|саны|кол-во", "usd": "доллар сша|ақш доллары",
		"holder": "владелец|держатель|иесі", "amount": "сумма|сомасы",
		"value": "значение|мәні|wert|valor|valeur|valore|wartość|değer|показатель|көрсеткіш|величина|values",
	} {
		for _, word := range strings.Split(all, "|") {
			words[word] = english
		}
	}
	return words
}()
