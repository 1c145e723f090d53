package market

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// variant is a small file as programs in other languages and with other habits
// write it, and what it must import to. The values were written down by hand.
type variant struct {
	name, text   string
	column, unit string
	from         string
	first        float64
	to           string
	last         float64
	frequency    string // not looked at where empty
	refused      string // the code, where the file must be refused
}

func lines(rows ...string) string { return strings.Join(rows, "\n") + "\n" }

var variants = []variant{
	// investing.com in nine languages
	{"investing-de", lines(`"Datum","Zuletzt","Eröffn.","Hoch","Tief","Vol.","+/- %"`, `"03.01.2024","1.234,50","1.200,00","1.300,00","1.100,00","12,5K","0,52%"`, `"02.01.2024","1.200,00","1.150,25","1.210,00","1.150,00","1,25M","-0,52%"`), "close", "quote", "2024-01-02", 1200, "2024-01-03", 1234.5, "1 day", ""},
	{"investing-es", lines(`"Fecha","Último","Apertura","Máximo","Mínimo","Vol.","% var."`, `"03.01.2024","10,074","10,060","10,148","9,987","10,36M","-0,08%"`, `"02.01.2024","10,082","10,060","10,148","9,987","9,36M","0,08%"`), "close", "quote", "2024-01-02", 10.082, "2024-01-03", 10.074, "1 day", ""},
	{"investing-fr", lines(`"Date","Dernier","Ouv."," Plus Haut","Plus Bas","Vol.","Variation %"`, `"03/01/2024","1.234,50","1.200,00","1.300,00","1.100,00","5,52K","0,5%"`, `"31/12/2023","1.200,00","1.150,25","1.210,00","1.150,00","5,52K","0,5%"`), "close", "quote", "2023-12-31", 1200, "2024-01-03", 1234.5, "", ""},
	{"investing-pt", lines(`"Data","Último","Abertura","Máxima","Mínima","Vol.","Var%"`, `"17.08.2023","114.982","115.592","116.610","114.859","12,75M","-0,53%"`, `"16.08.2023","115.592","116.171","117.338","115.534","18,86M","-0,50%"`), "close", "quote", "2023-08-16", 115592, "2023-08-17", 114982, "1 day", ""},
	{"investing-it", lines(`"Data","Ultimo","Apertura","Massimo","Minimo","Vol.","Var. %"`, `"03.01.2024","102,35","102,10","102,60","101,98","","0,15%"`, `"02.01.2024","102,20","102,10","102,60","101,98","","0,15%"`), "close", "quote", "2024-01-02", 102.2, "2024-01-03", 102.35, "1 day", ""},
	{"investing-tr", lines(`"Tarih","Şimdi","Açılış","Yüksek","Düşük","Hac.","Fark %"`, `"03.01.2024","52,35","52,10","52,60","51,98","4,5M","0,15%"`, `"02.01.2024","52,20","52,10","52,60","51,98","4,5M","0,15%"`), "close", "quote", "2024-01-02", 52.2, "2024-01-03", 52.35, "1 day", ""},
	{"investing-pl", lines(`"Data","Ostatnio","Otwarcie","Max.","Min.","Wol.","Zmiana%"`, `"03.01.2024","52,35","52,10","52,60","51,98","4,5M","0,15%"`, `"02.01.2024","52,20","52,10","52,60","51,98","4,5M","0,15%"`), "close", "quote", "2024-01-02", 52.2, "2024-01-03", 52.35, "1 day", ""},
	{"investing-ru", lines("\ufeff"+`"Дата","Цена","Откр.","Макс.","Мин.","Объём","Изм. %"`, `"03.01.2024","104.349,1","104.634,1","104.730,0","103.924,5","9,06K","-0,23%"`, `"02.01.2024","104.591,9","103.983,1","104.900,0","103.075,0","9,06K","-0,23%"`), "close", "quote", "2024-01-02", 104591.9, "2024-01-03", 104349.1, "1 day", ""},
	{"investing-zh", lines(`"日期","收盘","开盘","高","低","交易量","涨跌幅"`, `"2024年1月3日","102.35","102.10","102.60","101.98","12.5K","0.15%"`, `"2024年1月2日","102.20","102.10","102.60","101.98","12.5K","0.15%"`), "close", "quote", "2024-01-02", 102.2, "2024-01-03", 102.35, "1 day", ""},
	// exchanges and data services
	{"coindesk", lines("Currency,Date,Closing Price (USD),24h Open (USD),24h High (USD),24h Low (USD)", "BTC,2013-10-01,123.65499,124.30466,124.75166,122.56349", "BTC,2013-10-02,125.455,123.65499,125.7585,123.63383"), "close", "USD", "2013-10-01", 123.65499, "2013-10-02", 125.455, "1 day", ""},
	{"nasdaq", lines("Date,Close/Last,Volume,Open,High,Low", "12/13/2024,$191.38,18883220,$192.71,$194.34,$191.26", "12/12/2024,$193.63,25197760,$196.30,$196.7053,$193.28"), "close", "USD", "2024-12-12", 193.63, "2024-12-13", 191.38, "1 day", ""},
	{"nasdaq-two", lines("Date,Close/Last", "07/28/2021,1804.6", "07/27/2021,1804"), "close", "quote", "2021-07-27", 1804, "2021-07-28", 1804.6, "1 day", ""},
	{"bitcoincharts", lines("Timestamp,Open,High,Low,Close,Volume (BTC),Volume (Currency),Weighted Price", "2011-06-26 00:00:00,17.51001,17.51001,14.01,16.45001,15053.9,234000.1,15.5", "2011-06-27 00:00:00,16.45001,18.0,15.0,16.75004,31452.5,535096.4,17.0"), "close", "quote", "2011-06-26", 16.45001, "2011-06-27", 16.75004, "1 day", ""},
	{"kaggle-minutes", lines("Timestamp,Open,High,Low,Close,Volume_(BTC),Volume_(Currency),Weighted_Price", "1325317920,4.39,4.39,4.39,4.39,0.45558087,2.0000000193,4.39", "1325317980,NaN,NaN,NaN,NaN,NaN,NaN,NaN", "1325318040,4.40,4.40,4.40,4.40,1,4.4,4.4"), "close", "quote", "2011-12-31T07:52:00Z", 4.39, "2011-12-31T07:54:00Z", 4.4, "2 minutes", ""},
	{"cmc-old", lines("Date,Open,High,Low,Close,Volume,Market Cap", `"Jul 09, 2026",100.11,105.22,99.33,104.44,"2,000,000","1,976,000,000"`, `"Jul 10, 2026",104.44,106.55,103.66,105.77,"2,500,000","2,010,000,000"`), "close", "quote", "2026-07-09", 104.44, "2026-07-10", 105.77, "1 day", ""},
	{"stooq-pl", lines("Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie,Wolumen", "2024-01-02,10,11,9,10.5,12345", "2024-01-03,10.5,11,9,10.7,12345"), "close", "quote", "2024-01-02", 10.5, "2024-01-03", 10.7, "1 day", ""},
	{"ariva", lines("Datum;Erster;Hoch;Tief;Schlusskurs;Stuecke;Volumen", "2017-06-05;13,279;13,2835;13,247;13,247;;", "2017-06-02;13,287;13,287;13,275;13,281;1.200;15.937"), "close", "quote", "2017-06-02", 13.281, "2017-06-05", 13.247, "", ""},
	{"finam", lines("<TICKER>;<PER>;<DATE>;<TIME>;<OPEN>;<HIGH>;<LOW>;<CLOSE>;<VOL>", "GOLD;1;20170103;100000;1158.0000000;1164.1000000;1158.0000000;1162.5000000;738", "GOLD;1;20170103;100100;1162.3000000;1162.3000000;1160.0000000;1161.0000000;116"), "close", "quote", "2017-01-03T10:00:00Z", 1162.5, "2017-01-03T10:01:00Z", 1161, "1 minute", ""},
	{"finam-short-years", lines("<TICKER>;<PER>;<DATE>;<TIME>;<OPEN>;<HIGH>;<LOW>;<CLOSE>;<VOL>", "BTC;D;30/12/23;000000;42152.1;42900.0;41500.0;42140.2;10", "BTC;D;31/12/23;000000;42140.2;42900.0;41500.0;42280.1;10", "BTC;D;01/01/24;000000;42280.1;44200.0;42200.0;44179.5;10"), "close", "quote", "2023-12-30", 42140.2, "2024-01-01", 44179.5, "1 day", ""},
	{"moex", lines("BOARDID;TRADEDATE;SHORTNAME;SECID;OPEN;LOW;HIGH;CLOSE;VOLUME", "SNDX;2024-01-03;MOEX;IMOEX;3100.1;3090.0;3120.5;3111.2;100", "SNDX;2024-01-04;MOEX;IMOEX;3111.2;3090.0;3120.5;3115.0;100"), "close", "quote", "2024-01-03", 3111.2, "2024-01-04", 3115, "1 day", ""},
	{"metatrader", lines("2010-04-08 00:00\t1.43300\t1.43385\t1.43285\t1.43370\t14560", "2010-04-09 00:00\t1.43370\t1.43950\t1.43270\t1.43855\t320035"), "close", "quote", "2010-04-08", 1.4337, "2010-04-09", 1.43855, "1 day", ""},
	{"metatrader-4", lines("2024.01.02,00:00,1.10400,1.10450,1.10300,1.10410,1200", "2024.01.02,01:00,1.10410,1.10500,1.10400,1.10480,1300"), "close", "quote", "2024-01-02", 1.1041, "2024-01-02T01:00:00Z", 1.1048, "1 hour", ""},
	{"metatrader-5", lines("<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>", "2024.01.02\t00:00:00\t1.10400\t1.10450\t1.10300\t1.10410\t1200\t0\t5", "2024.01.02\t04:00:00\t1.10410\t1.10500\t1.10400\t1.10480\t1300\t0\t5"), "close", "quote", "2024-01-02", 1.1041, "2024-01-02T04:00:00Z", 1.1048, "4 hours", ""},
	{"histdata", lines("20240102 170000;1.104000;1.104500;1.103000;1.104100;0", "20240102 170100;1.104100;1.105000;1.104000;1.104800;0"), "close", "quote", "2024-01-02T17:00:00Z", 1.1041, "2024-01-02T17:01:00Z", 1.1048, "1 minute", ""},
	{"chart-of-a-chain", lines("2010-08-18 00:00:00,0.074", "2010-08-19 00:00:00,0.0688", "2010-08-20 00:00:00,0.0667"), "value", "undeclared", "2010-08-18", 0.074, "2010-08-20", 0.0667, "1 day", ""},
	{"chart-us", lines("12/13/2017 0:00,16762.11667", "12/14/2017 0:00,17276.39333"), "value", "undeclared", "2017-12-13", 16762.11667, "2017-12-14", 17276.39333, "1 day", ""},
	{"yfinance-renamed", lines("date,bitcoin_price,High,Low,Open,Volume", ",BTC-USD,BTC-USD,BTC-USD,BTC-USD,BTC-USD", "2015-01-01,314.2489,320.4349,314.0029,320.4349,8036550", "2015-01-02,315.0320,315.8389,313.5650,314.0790,7860650"), "close", "quote", "2015-01-01", 314.2489, "2015-01-02", 315.032, "1 day", ""},
	{"yahoo-copied", lines("Date\tOpen\tHigh\tLow\tClose*\tAdj Close**\tVolume", "Jan 3, 2024\t44,961.60\t45,503.24\t40,813.54\t42,848.18\t42,848.18\t46,342,323,118", "Jan 2, 2024\t44,187.14\t45,899.71\t44,176.95\t44,957.97\t44,957.97\t39,335,274,536"), "adjusted_close", "quote", "2024-01-02", 44957.97, "2024-01-03", 42848.18, "1 day", ""},
	{"alphavantage", lines("timestamp,open,high,low,close,volume", "2024-01-03,184.22,185.88,183.43,184.25,58414460", "2024-01-02,187.15,188.44,183.885,185.64,82488700"), "close", "quote", "2024-01-02", 185.64, "2024-01-03", 184.25, "1 day", ""},
	{"quandl", lines("Date,Open,High,Low,Settle,Volume", "2024-01-02,187.15,188.44,183.885,185.64,82488700", "2024-01-03,184.22,185.88,183.43,184.25,58414460"), "close", "quote", "2024-01-02", 185.64, "2024-01-03", 184.25, "1 day", ""},
	{"coinmetrics-renamed", lines("time,PriceUSD,CapMrktCurUSD", "2024-01-02T00:00:00.000000000Z,44957.97,880000000000", "2024-01-03T00:00:00.000000000Z,42848.18,840000000000"), "price_usd", "USD", "2024-01-02", 44957.97, "2024-01-03", 42848.18, "1 day", ""},
	{"coincodex", lines("Start,End,Open,High,Low,Close,Volume,Market Cap", "2024-01-02,2024-01-03,44187.1,45899.7,44176.9,44957.9,39335274536,880000000000", "2024-01-01,2024-01-02,42280.2,44175.4,42214.9,44167.3,18426978443,865000000000"), "close", "quote", "2024-01-01", 44167.3, "2024-01-02", 44957.9, "1 day", ""},
	{"cdd-symbol-first", lines("Unix,Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USDT", "1767312000000,2026-01-02,BTCUSDT,10,12,9,11,5,55", "1767225600000,2026-01-01,BTCUSDT,9,11,8,10,4,40"), "close", "quote", "2026-01-01", 10, "2026-01-02", 11, "1 day", ""},
	{"cdd-old-hours", lines("Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USD", "2019-10-17 09-AM,BTCUSD,8051.00,8056.83,8021.23,8035.88,71.73,577136.28", "2019-10-17 08-AM,BTCUSD,7975.89,8070.00,7975.89,8051.00,177.69,1428316.54"), "close", "quote", "2019-10-17T08:00:00Z", 8051, "2019-10-17T09:00:00Z", 8035.88, "1 hour", ""},
	{"gemini", lines("Unix Timestamp,Date,Symbol,Open,High,Low,Close,Volume", "1577836860000,2020-01-01 00:01:00,BTCUSD,7165.90,7170.79,7163.30,7163.30,0.02", "1577836800000,2020-01-01 00:00:00,BTCUSD,7165.90,7165.90,7165.90,7165.90,0.01"), "close", "quote", "2020-01-01", 7165.9, "2020-01-01T00:01:00Z", 7163.3, "1 minute", ""},
	{"cbr", lines("nominal;data;curs;cdx", "1;05.03.2022;\"116,5312\";Евро", "1;04.03.2022;\"124,0161\";Евро"), "close", "RUB", "2022-03-04", 124.0161, "2022-03-05", 116.5312, "1 day", ""},
	{"cbr-of-ten", lines("nominal;data;curs;cdx", "10;05.03.2022;\"39,9324\";Турецкая лира", "10;04.03.2022;\"40,0161\";Турецкая лира"), "close", "RUB", "2022-03-04", 4.00161, "2022-03-05", 3.99324, "1 day", ""},
	{"ecb", lines(`"DATE","TIME PERIOD","US dollar/Euro (EXR.D.USD.EUR.SP00.A)"`, `"2024-01-02","02 Jan 2024","1.0956"`, `"2024-01-03","03 Jan 2024","1.0919"`), "value", "undeclared", "2024-01-02", 1.0956, "2024-01-03", 1.0919, "1 day", ""},
	{"exchange-rates", lines("Дата;Курс", "02.01.2024;454,56", "03.01.2024;455,1"), "close", "quote", "2024-01-02", 454.56, "2024-01-03", 455.1, "1 day", ""},
	// two columns under any name
	{"date-price", lines("Date,Price", "2024-01-02,1.5", "2024-01-03,1.75"), "close", "quote", "2024-01-02", 1.5, "2024-01-03", 1.75, "1 day", ""},
	{"datetime-price", lines(`"DateTime","Price"`, `"2024-01-02 00:00:00",41387.70606541211`, `"2024-01-03 00:00:00",41388.5`), "close", "quote", "2024-01-02", 41387.70606541211, "2024-01-03", 41388.5, "1 day", ""},
	{"ru-value", lines("Дата;Значение", "02.01.2024;1 234,5", "03.01.2024;1 240,0"), "value", "undeclared", "2024-01-02", 1234.5, "2024-01-03", 1240, "1 day", ""},
	{"kk-value", lines("Күні;Мәні", "02.01.2024;1 234,5", "03.01.2024;1 240,0"), "value", "undeclared", "2024-01-02", 1234.5, "2024-01-03", 1240, "1 day", ""},
	{"ru-last", lines("Дата;Цена last", "02.01.2024;12,5", "03.01.2024;12,7"), "close", "quote", "2024-01-02", 12.5, "2024-01-03", 12.7, "1 day", ""},
	{"fred-lower", lines("date,DGS2", "2015-01-01,", "2015-01-02,0.66", "2015-01-05,0.67"), "value", "undeclared", "2015-01-02", 0.66, "2015-01-05", 0.67, "", ""},
	{"fred-short", lines("DATE,DFF", "2016-06-30,0.30", "2016-07-01,0.41"), "value", "undeclared", "2016-06-30", 0.3, "2016-07-01", 0.41, "1 day", ""},
	{"fred-slashes", lines("DATE,GOLDPMGBD228NLBM", "2016/6/30,1320.75", "2016/7/1,1340"), "value", "undeclared", "2016-06-30", 1320.75, "2016-07-01", 1340, "1 day", ""},
	{"price-eur", lines("date,price_eur", "2024-01-02,41387.7", "2024-01-03,41390.1"), "close", "EUR", "2024-01-02", 41387.7, "2024-01-03", 41390.1, "1 day", ""},
	{"close-in-brackets", lines("Time,Close (EUR)", "2024-01-02,41387.7", "2024-01-03,41390.1"), "close", "EUR", "2024-01-02", 41387.7, "2024-01-03", 41390.1, "1 day", ""},
	{"index-and-dates", lines(",date,btc", "0,2024-01-02,1.5", "1,2024-01-03,1.75"), "value", "undeclared", "2024-01-02", 1.5, "2024-01-03", 1.75, "1 day", ""},
	{"nameless-dates", lines(",BTC", "2024-01-02,1.5", "2024-01-03,1.75"), "value", "undeclared", "2024-01-02", 1.5, "2024-01-03", 1.75, "1 day", ""},
	{"tweets-and-price", lines("date,price,sentiment", "2024-01-02,1.5,good", "2024-01-03,1.75,bad"), "close", "quote", "2024-01-02", 1.5, "2024-01-03", 1.75, "1 day", ""},
	{name: "two-series", text: lines("date,gold,silver", "2024-01-02,1.5,2.5", "2024-01-03,1.75,2.6"), refused: "market-column-ambiguous"},
	{name: "no-time", text: lines("gold,silver", "1.5,2.5", "1.75,2.6"), refused: "market-form-unknown"},
	{name: "names-only", text: lines("date,name", "2024-01-02,a", "2024-01-03,b"), refused: "market-form-unknown"},
	// times
	{"points", lines("date,close", "2024.01.02,1", "2024.01.03,2"), "close", "quote", "2024-01-02", 1, "2024-01-03", 2, "1 day", ""},
	{"short-year", lines("date;close", "30.12.23;1", "31.12.23;2"), "close", "quote", "2023-12-30", 1, "2023-12-31", 2, "1 day", ""},
	{"day-month-name", lines("date,close", "02-Jan-24,1", "03-Jan-24,2"), "close", "quote", "2024-01-02", 1, "2024-01-03", 2, "1 day", ""},
	{"weekday-name", lines("date,close", `"Tue, 02 Jan 2024",1`, `"Wed, 03 Jan 2024",2`), "close", "quote", "2024-01-02", 1, "2024-01-03", 2, "1 day", ""},
	{"weekday-abbreviated", lines("date,close", `"Tuesday, January 2, 2024",1`, `"Wednesday, January 3, 2024",2`), "close", "quote", "2024-01-02", 1, "2024-01-03", 2, "1 day", ""},
	{"russian-months", lines("дата;закрытие", "2 января 2024;1,5", "3 января 2024;1,75"), "close", "quote", "2024-01-02", 1.5, "2024-01-03", 1.75, "1 day", ""},
	{"russian-month-year", lines("дата;закрытие", "янв. 2024;1,5", "фев. 2024;1,75", "мар. 2024;1,8"), "close", "quote", "2024-01-01", 1.5, "2024-03-01", 1.8, "month", ""},
	{"kazakh-months", lines("күні;жабылуы", "2 қаңтар 2024;1,5", "3 қаңтар 2024;1,75"), "close", "quote", "2024-01-02", 1.5, "2024-01-03", 1.75, "1 day", ""},
	{"german-months", lines("Datum;Schluss", "2. Januar 2024;1,5", "3. Januar 2024;1,75"), "close", "quote", "2024-01-02", 1.5, "2024-01-03", 1.75, "1 day", ""},
	{"month-year", lines("date,close", "Jan-2024,1", "Feb-2024,2", "Mar-2024,3"), "close", "quote", "2024-01-01", 1, "2024-03-01", 3, "month", ""},
	{"month-short-year", lines("date,close", "Jan-24,1", "Feb-24,2", "Mar-24,3"), "close", "quote", "2024-01-01", 1, "2024-03-01", 3, "month", ""},
	{"imf-months", lines("date,close", "2024M01,1", "2024M02,2", "2024M03,3"), "close", "quote", "2024-01-01", 1, "2024-03-01", 3, "month", ""},
	{"month-slash", lines("date,close", "01/2024,1", "02/2024,2", "03/2024,3"), "close", "quote", "2024-01-01", 1, "2024-03-01", 3, "month", ""},
	{"month-point", lines("date,close", "01.2024,1", "02.2024,2", "03.2024,3"), "close", "quote", "2024-01-01", 1, "2024-03-01", 3, "month", ""},
	{"weeks", lines("date,close", "2024-W05,1", "2024-W06,2", "2024-W07,3"), "close", "quote", "2024-01-29", 1, "2024-02-12", 3, "week", ""},
	{"quarters", lines("date,close", "Q1 2024,1", "Q2 2024,2", "Q3 2024,3"), "close", "quote", "2024-01-01", 1, "2024-07-01", 3, "quarter", ""},
	{"quarters-of", lines("date,close", "Q1/2024,1", "Q2/2024,2", "Q3/2024,3"), "close", "quote", "2024-01-01", 1, "2024-07-01", 3, "quarter", ""},
	{"quarters-russian", lines("период;закрытие", "1 кв. 2024;1", "2 кв. 2024;2", "3 кв. 2024;3"), "close", "quote", "2024-01-01", 1, "2024-07-01", 3, "quarter", ""},
	{"half-years", lines("date,close", "2024-H1,1", "2024-H2,2", "2025-H1,3"), "close", "quote", "2024-01-01", 1, "2025-01-01", 3, "half-year", ""},
	{"years", lines("year,close", "2021,1", "2022,2", "2023,3"), "close", "quote", "2021-01-01", 1, "2023-01-01", 3, "year", ""},
	{"afternoon", lines("date,close", "1/14/2024 1:00:00 PM,1", "1/14/2024 2:00:00 PM,2"), "close", "quote", "2024-01-14T13:00:00Z", 1, "2024-01-14T14:00:00Z", 2, "1 hour", ""},
	{"noon", lines("date,close", "2024-01-14 12:00 AM,1", "2024-01-14 12:00 PM,2"), "close", "quote", "2024-01-14", 1, "2024-01-14T12:00:00Z", 2, "", ""},
	{"microseconds", lines("time,close", "1704153600000000,1", "1704240000000000,2"), "close", "quote", "2024-01-02", 1, "2024-01-03", 2, "1 day", ""},
	{"nanoseconds", lines("time,close", "1704153600000000000,1", "1704240000000000000,2"), "close", "quote", "2024-01-02", 1, "2024-01-03", 2, "1 day", ""},
	{"offset-without-colon", lines("time,close", "2024-01-02T00:00:00.000+0000,1", "2024-01-03T00:00:00.000+0000,2"), "close", "quote", "2024-01-02", 1, "2024-01-03", 2, "1 day", ""},
	{"offset-of-hours", lines("time,close", "2024-01-02 05:00:00+05,1", "2024-01-03 05:00:00+05,2"), "close", "quote", "2024-01-02", 1, "2024-01-03", 2, "1 day", ""},
	{"serials", lines("Date;Close", "45293;1,5", "45294;1,75", "45295;1,8"), "close", "quote", "2024-01-02", 1.5, "2024-01-04", 1.8, "1 day", ""},
	{"serials-with-hours", lines("Date,Close", "45293.25,1.5", "45293.5,1.75", "45293.75,1.8"), "close", "quote", "2024-01-02T06:00:00Z", 1.5, "2024-01-02T18:00:00Z", 1.8, "", ""},
	{name: "day-or-month", text: lines("date,close", "01/02/2024,1", "02/02/2024,2", "03/02/2024,3"), refused: "market-time-unknown"},
	{"month-first", lines("date,close", "1/30/2024,1", "1/31/2024,2", "2/1/2024,3"), "close", "quote", "2024-01-30", 1, "2024-02-01", 3, "1 day", ""},
	// numbers
	{"millions-russian", lines("Дата;Закрытие;Объем", "02.01.2024;1,5;3,4 млн", "03.01.2024;1,75;850 тыс."), "close", "quote", "2024-01-02", 1.5, "2024-01-03", 1.75, "1 day", ""},
	{"hryvnia-sign", lines("date,close", "2024-01-02,₴38.10", "2024-01-03,₴38.20"), "close", "UAH", "2024-01-02", 38.1, "2024-01-03", 38.2, "1 day", ""},
	{"yen-sign", lines("date,close", `2024-01-02,"¥1,234,567"`, `2024-01-03,"¥1,234,568"`), "close", "JPY", "2024-01-02", 1234567, "2024-01-03", 1234568, "1 day", ""},
	{"code-behind", lines("date;close", "2024-01-02;1 234,50 EUR", "2024-01-03;1 235,50 EUR"), "close", "EUR", "2024-01-02", 1234.5, "2024-01-03", 1235.5, "1 day", ""},
	{"lakhs", lines("date,close", `2024-01-02,"12,34,567.50"`, `2024-01-03,"12,34,568.50"`), "close", "quote", "2024-01-02", 1234567.5, "2024-01-03", 1234568.5, "1 day", ""},
	{"negative-oil", lines("date,close", "2020-04-17,18.27", "2020-04-20,-37.63", "2020-04-21,10.01"), "close", "quote", "2020-04-17", 18.27, "2020-04-21", 10.01, "", ""},
	{"excel-errors", lines("date,close", "2024-01-02,1.5", "2024-01-03,#DIV/0!", "2024-01-04,1.75"), "close", "quote", "2024-01-02", 1.5, "2024-01-04", 1.75, "", ""},
	{"stars", lines("date,close", "2024-01-02,1.5", "2024-01-03,*", "2024-01-04,1.75"), "close", "quote", "2024-01-02", 1.5, "2024-01-04", 1.75, "", ""},
	// layouts
	{"sep-line", lines("sep=;", "date;close", "2024-01-02;1,5", "2024-01-03;1,75"), "close", "quote", "2024-01-02", 1.5, "2024-01-03", 1.75, "1 day", ""},
	{"trailing-commas", lines("date,close,,", "2024-01-02,1.5,,", "2024-01-03,1.75,,"), "close", "quote", "2024-01-02", 1.5, "2024-01-03", 1.75, "1 day", ""},
	{"one-comma-more", lines("date,close", "2024-01-02,1.5,", "2024-01-03,1.75,"), "close", "quote", "2024-01-02", 1.5, "2024-01-03", 1.75, "1 day", ""},
	{"whole-lines-quoted", lines(`"date,close"`, `"2024-01-02,1.5"`, `"2024-01-03,1.75"`), "close", "quote", "2024-01-02", 1.5, "2024-01-03", 1.75, "1 day", ""},
	{"single-quotes", lines("'date','close'", "'2024-01-02','1.5'", "'2024-01-03','1.75'"), "close", "quote", "2024-01-02", 1.5, "2024-01-03", 1.75, "1 day", ""},
	{"blanks", lines("date        close", "2024-01-02   1.5", "2024-01-03   1.75"), "close", "quote", "2024-01-02", 1.5, "2024-01-03", 1.75, "1 day", ""},
	{"banner-and-note", lines("Курс тенге", "", "Дата;Курс", "02.01.2024;454,56", "03.01.2024;455,1", "", "Источник: НБК;"), "close", "quote", "2024-01-02", 454.56, "2024-01-03", 455.1, "1 day", ""},
	{"units-below-header", lines("Date,Close,Volume", ",USD,BTC", "2024-01-02,1.5,10", "2024-01-03,1.75,12"), "close", "USD", "2024-01-02", 1.5, "2024-01-03", 1.75, "1 day", ""},
	{"utf16", utf16File(lines("Дата\tЗакрытие", "02.01.2024\t1 234,5", "03.01.2024\t1 240,0")), "close", "quote", "2024-01-02", 1234.5, "2024-01-03", 1240, "1 day", ""},
	// several series, calendars, and what else real files turned out to hold
	{name: "two-coins", text: lines("date,symbol,close", "2024-01-02,BTC,1.5", "2024-01-02,ETH,0.5", "2024-01-03,BTC,1.75", "2024-01-03,ETH,0.6"), refused: "market-series-several"},
	{"every-second-day", lines("2010-08-18 00:00:00,0.074", "2010-08-20 00:00:00,0.0667", "2010-08-22 00:00:00,0.07", "2010-08-24 00:00:00,0.08"), "value", "undeclared", "2010-08-18", 0.074, "2010-08-24", 0.08, "2 days", ""},
	{"months-closing", lines("date,close", "2024-01-31,1", "2024-02-29,2", "2024-03-31,3", "2024-04-30,4"), "close", "quote", "2024-01-31", 1, "2024-04-30", 4, "month", ""},
	{"twice-a-day", lines("date,close", "2024-01-02 00:00,1", "2024-01-02 12:00,2", "2024-01-03 00:00,3", "2024-01-03 12:00,4"), "close", "quote", "2024-01-02", 1, "2024-01-03T12:00:00Z", 4, "12 hours", ""},
	{"r-row-names", lines(`"date" "close"`, `"1" "2024-01-02" 1.5`, `"2" "2024-01-03" 1.75`), "close", "quote", "2024-01-02", 1.5, "2024-01-03", 1.75, "1 day", ""},
	{"r-row-names-commas", lines(`"date","close"`, `"1","2024-01-02",1.5`, `"2","2024-01-03",1.75`), "close", "quote", "2024-01-02", 1.5, "2024-01-03", 1.75, "1 day", ""},
	{"pandas-two-levels", lines("Price,Close,High,Low,Open,Volume", "Ticker,BTC-USD,BTC-USD,BTC-USD,BTC-USD,BTC-USD", "Date,,,,,", "2024-01-02,44957.9,45899.7,44176.9,44187.1,39335274536", "2024-01-03,42848.1,45503.2,40813.5,44961.6,46342323118"), "close", "quote", "2024-01-02", 44957.9, "2024-01-03", 42848.1, "1 day", ""},
	{"yfinance-zoned", lines("Date,Open,High,Low,Close,Volume,Dividends,Stock Splits", "2024-01-02 00:00:00-05:00,187.1,188.4,183.8,185.6,82488700,0.0,0.0", "2024-01-03 00:00:00-05:00,184.2,185.8,183.4,184.2,58414460,0.0,0.0"), "close", "quote", "2024-01-02T05:00:00Z", 185.6, "2024-01-03T05:00:00Z", 184.2, "1 day", ""},
	{"binance-columns", lines("Open time,Open,High,Low,Close,Volume,Close time,Quote asset volume,Number of trades,Taker buy base asset volume,Taker buy quote asset volume,Ignore", "2024-01-02,44187.1,45899.7,44176.9,44957.9,39335.2,2024-01-02 23:59:59.999,1768400000.0,100,1,1,0", "2024-01-03,44957.9,45503.2,40813.5,42848.1,46342.3,2024-01-03 23:59:59.999,1985700000.0,100,1,1,0"), "close", "quote", "2024-01-02", 44957.9, "2024-01-03", 42848.1, "1 day", ""},
	{"okx", lines("ts,o,h,l,c,vol,volCcy,volCcyQuote,confirm", "1704153600000,44187.1,45899.7,44176.9,44957.9,39335.2,1,1,1", "1704240000000,44957.9,45503.2,40813.5,42848.1,46342.3,1,1,1"), "close", "quote", "2024-01-02", 44957.9, "2024-01-03", 42848.1, "1 day", ""},
	{"bybit", lines("start_at,symbol,period,open,high,low,close", "1704153600,BTCUSD,D,44187.1,45899.7,44176.9,44957.9", "1704240000,BTCUSD,D,44957.9,45503.2,40813.5,42848.1"), "close", "quote", "2024-01-02", 44957.9, "2024-01-03", 42848.1, "1 day", ""},
	{"google-finance", lines("Date,Close", "1/30/2024 23:58:00,43300.5", "1/31/2024 23:58:00,42580.1", "2/1/2024 23:58:00,43080.2"), "close", "quote", "2024-01-30T23:58:00Z", 43300.5, "2024-02-01T23:58:00Z", 43080.2, "1 day", ""},
	{"glassnode", lines("timestamp,value", "2024-01-02T00:00:00Z,44957.9", "2024-01-03T00:00:00Z,42848.1"), "value", "undeclared", "2024-01-02", 44957.9, "2024-01-03", 42848.1, "1 day", ""},
	{"bank-for-settlements", lines("TIME_PERIOD,OBS_VALUE", "2024-01,1.5", "2024-02,1.6", "2024-03,1.7"), "value", "undeclared", "2024-01-01", 1.5, "2024-03-01", 1.7, "month", ""},
	{"world-bank-years", lines("Year,GDP", "2020,171.08", "2021,197.11", "2022,225.5"), "value", "undeclared", "2020-01-01", 171.08, "2022-01-01", 225.5, "year", ""},
	{"national-bank-codes", lines("Дата;Доллар США", "02.01.2024;454,56", "03.01.2024;455,1"), "kzt_per_usd", "KZT/USD", "2024-01-02", 454.56, "2024-01-03", 455.1, "1 day", ""},
	{"kase-russian", lines("Дата;Открытие;Максимум;Минимум;Закрытие;Средневзвешенный;Объем, тыс. USD", "02.01.2024;454,00;455,10;453,90;454,56;454,4;120 500,0", "03.01.2024;454,56;456,00;454,50;455,10;455,2;98 400,5"), "close", "quote", "2024-01-02", 454.56, "2024-01-03", 455.1, "1 day", ""},
	{"negative-in-front-of-sign", lines("date,close", "2020-04-17,$18.27", "2020-04-20,-$37.63"), "close", "USD", "2020-04-17", 18.27, "2020-04-20", -37.63, "", ""},
	{"percent-rates", lines("date,rate", "2024-01-02,15.75%", "2024-01-03,15.50%"), "close", "percent", "2024-01-02", 15.75, "2024-01-03", 15.5, "1 day", ""},
	{name: "two-decimal-signs", text: lines("date;close", "2024-01-02;1,5", "2024-01-03;1.75"), refused: "market-number-mixed"},
	{name: "thousands-or-not", text: lines("date;close", "2024-01-02;1,234", "2024-01-03;1,235"), refused: "market-number-ambiguous"},
	{"half-hours", lines("date,close", "2024-01-02 00:00,1", "2024-01-02 00:30,2", "2024-01-02 01:00,3"), "close", "quote", "2024-01-02", 1, "2024-01-02T01:00:00Z", 3, "30 minutes", ""},
	{"seconds", lines("date,close", "2024-01-02 00:00:00,1", "2024-01-02 00:00:30,2", "2024-01-02 00:01:00,3"), "close", "quote", "2024-01-02", 1, "2024-01-02T00:01:00Z", 3, "30 seconds", ""},
	{"descending-hours", lines("date,close", "2024-01-02 02:00,3", "2024-01-02 01:00,2", "2024-01-02 00:00,1"), "close", "quote", "2024-01-02", 1, "2024-01-02T02:00:00Z", 3, "1 hour", ""},
	{"day-and-t", lines("20230315T,0.5253,0.5391,0.483,0.4875,524886.07", "20230316T,0.4875,0.5131,0.4743,0.5031,424886.07"), "close", "quote", "2023-03-15", 0.4875, "2023-03-16", 0.5031, "1 day", ""},
	{"zeros-left-out", lines("date,close", "2020-12-27,1.62", "2020-12-31,1.63", "2021-1-3,1.64", "2021-1-10,1.65"), "close", "quote", "2020-12-27", 1.62, "2021-01-10", 1.65, "", ""},
	{"may-and-june", lines("date,close", `"May 31, 2024",1`, `"June 1, 2024",2`), "close", "quote", "2024-05-31", 1, "2024-06-01", 2, "1 day", ""},
	{"cryptocompare", lines("Price,High,Low,Open,Date,Volumefrom,Volumeto", "1.04,1.13,0.7493,0.9502,2018-01-18,542919.64,580924.01", "0.9502,1.01,0.70,0.80,2018-01-17,542919.64,480924.01"), "close", "quote", "2018-01-17", 0.9502, "2018-01-18", 1.04, "1 day", ""},
	{"json-klines", `[[1704153600000,"44187.1","45899.7","44176.9","44957.9","39335.2",1704239999999,"1768400000.0",100,"1","1","0"],[1704240000000,"44957.9","45503.2","40813.5","42848.1","46342.3",1704326399999,"1985700000.0",100,"1","1","0"]]`, "close", "quote", "2024-01-02", 44957.9, "2024-01-03", 42848.1, "1 day", ""},
	{"json-prices", `{"prices":[[1704153600000,44957.9],[1704240000000,42848.1]],"market_caps":[[1704153600000,880000000000.0],[1704240000000,840000000000.0]],"total_volumes":[[1704153600000,1.0],[1704240000000,2.0]]}`, "close", "quote", "2024-01-02", 44957.9, "2024-01-03", 42848.1, "1 day", ""},
	{"json-objects", `[{"date":"2024-01-02","close":44957.9},{"date":"2024-01-03","close":42848.1}]`, "close", "quote", "2024-01-02", 44957.9, "2024-01-03", 42848.1, "1 day", ""},
	{"json-kraken", `{"error":[],"result":{"XXBTZUSD":[[1704153600,"44187.1","45899.7","44176.9","44957.9","45000.0","39335.2",100],[1704240000,"44957.9","45503.2","40813.5","42848.1","43000.0","46342.3",100]],"last":1704153600}}`, "close", "quote", "2024-01-02", 44957.9, "2024-01-03", 42848.1, "1 day", ""},
	{"json-glassnode", `[{"t":1704153600,"v":44957.9},{"t":1704240000,"v":42848.1}]`, "value", "undeclared", "2024-01-02", 44957.9, "2024-01-03", 42848.1, "1 day", ""},
	{"json-yahoo", `{"chart":{"result":[{"meta":{"currency":"USD","validRanges":["1d"],"tradingPeriods":[[{"timezone":"UTC","start":1704153600,"end":1704240000}]]},"timestamp":[1704153600,1704240000],"indicators":{"quote":[{"open":[44187.1,44957.9],"high":[45899.7,45503.2],"low":[44176.9,40813.5],"close":[44957.9,42848.1],"volume":[1,2]}],"adjclose":[{"adjclose":[44957.9,42848.1]}]}}],"error":null}}`, "adjusted_close", "quote", "2024-01-02", 44957.9, "2024-01-03", 42848.1, "1 day", ""},
	{"json-coinmarketcap", `{"data":{"id":1,"quotes":[{"timeOpen":"2024-01-02T00:00:00.000Z","timeClose":"2024-01-02T23:59:59.999Z","quote":{"open":44187.1,"high":45899.7,"low":44176.9,"close":44957.9,"volume":10.5,"marketCap":880000000000.0}},{"timeOpen":"2024-01-03T00:00:00.000Z","timeClose":"2024-01-03T23:59:59.999Z","quote":{"open":44957.9,"high":45503.2,"low":40813.5,"close":42848.1,"volume":11.5,"marketCap":840000000000.0}}]}}`, "close", "USD", "2024-01-02", 44957.9, "2024-01-03", 42848.1, "1 day", ""},
	{"json-alphavantage", `{"Meta Data":{"1. Information":"Daily","2. Symbol":"BTC"},"Time Series (Digital Currency Daily)":{"2024-01-03":{"1. open":"44957.90","2. high":"45503.20","3. low":"40813.50","4. close":"42848.10","5. volume":"11.5"},"2024-01-02":{"1. open":"44187.10","2. high":"45899.70","3. low":"44176.90","4. close":"44957.90","5. volume":"10.5"}}}`, "close", "quote", "2024-01-02", 44957.9, "2024-01-03", 42848.1, "1 day", ""},
	{"json-coindesk", `{"bpi":{"2024-01-02":44957.9,"2024-01-03":42848.1},"disclaimer":"none"}`, "value", "undeclared", "2024-01-02", 44957.9, "2024-01-03", 42848.1, "1 day", ""},
	{"json-lines", lines(`{"date":"2024-01-02","close":44957.9}`, `{"date":"2024-01-03","close":42848.1}`), "close", "quote", "2024-01-02", 44957.9, "2024-01-03", 42848.1, "1 day", ""},
	{name: "json-cut", text: `[{"date":"2024-01-02","close":44957.9},{"date":"2024-01-03","clo`, refused: "market-json"},
	{"barchart", lines("Time,Open,High,Low,Last,Change,%Chg,Volume", "01/30/2024,44187.1,45899.7,44176.9,44957.9,1,+1.2%,100", "01/31/2024,44957.9,45503.2,40813.5,42848.1,-2,-4.7%,120", `"Downloaded from a page as of 02-01-2024 05:00am CST"`), "close", "quote", "2024-01-30", 44957.9, "2024-01-31", 42848.1, "1 day", ""},
	{"dukascopy", lines("Gmt time,Open,High,Low,Close,Volume", "30.01.2024 00:00:00.000,1.1,1.2,1.0,1.15,100", "30.01.2024 01:00:00.000,1.15,1.2,1.0,1.16,100"), "close", "quote", "2024-01-30", 1.15, "2024-01-30T01:00:00Z", 1.16, "1 hour", ""},
	{"dukascopy-local", lines("Local time,Open,High,Low,Close,Volume", "30.01.2024 06:00:00.000 GMT+0600,1.1,1.2,1.0,1.15,100", "30.01.2024 07:00:00.000 GMT+0600,1.15,1.2,1.0,1.16,100"), "close", "quote", "2024-01-30", 1.15, "2024-01-30T01:00:00Z", 1.16, "1 hour", ""},
	{"bloomberg", lines("Date,PX_LAST", "1/30/2024,44957.9", "1/31/2024,42848.1"), "close", "quote", "2024-01-30", 44957.9, "2024-01-31", 42848.1, "1 day", ""},
	{"refinitiv", lines("Exchange Date;Close;Net;%Chg;Open;Low;High;Volume", "31-Jan-2024;42848,1;-2;-4,7%;44957,9;40813,5;45503,2;120", "30-Jan-2024;44957,9;1;1,2%;44187,1;44176,9;45899,7;100"), "close", "quote", "2024-01-30", 44957.9, "2024-01-31", 42848.1, "1 day", ""},
	{"json-chart", `{"status":"ok","name":"Market Price (USD)","unit":"USD","period":"day","values":[{"x":1704153600,"y":44957.9},{"x":1704240000,"y":42848.1}]}`, "value", "USD", "2024-01-02", 44957.9, "2024-01-03", 42848.1, "1 day", ""},
}

func utf16File(text string) string {
	out := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		out = binary.LittleEndian.AppendUint16(out, unit)
	}
	return string(out)
}

// imported is what a variant's file imports to.
func (v variant) imported() (variant, error) {
	table, err := Parse(v.name+".csv", []byte(v.text), ReadOptions{})
	if err != nil {
		return variant{}, err
	}
	s := Summarise(table, Check(table))
	if s.FirstRow == nil {
		return variant{}, fmt.Errorf("no row has a value")
	}
	got := variant{v.name, v.text, s.Price, s.Unit, s.FirstRow.Time, *s.FirstRow.Value, s.LastRow.Time,
		*s.LastRow.Value, s.Frequency.Name, ""}
	if v.frequency == "" {
		got.frequency = ""
	}
	return got, nil
}

func TestVariantsImportToTheirValuesOrAreRefused(t *testing.T) {
	right, wrong, refused := 0, 0, 0
	for _, v := range slices.Concat(variants, unseenVariants) {
		t.Run(v.name, func(t *testing.T) {
			got, err := v.imported()
			var refusal *Error
			switch {
			case v.refused != "":
				if !errors.As(err, &refusal) || refusal.ErrorCode() != v.refused {
					wrong++
					t.Fatalf("%v, want %s", err, v.refused)
				}
			case err != nil:
				refused++
				t.Fatal(err)
			case got != v:
				wrong++
				got.text = ""
				t.Fatalf("\n got %+v\nwant %s %s %s %v %s %v %s", got, v.column, v.unit, v.from, v.first, v.to, v.last,
					v.frequency)
			}
			right++
		})
	}
	t.Logf("%d right, %d wrong, %d refused without need, of %d", right, wrong, refused, len(variants)+len(unseenVariants))
}
