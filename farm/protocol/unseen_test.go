package protocol_test

import (
	"testing"

	"github.com/aqsha/aqsha/farm/protocol"
)

// unseen are kinds of answers that were found on machines beside those that the decoders were written after.
var unseen = []kind{
	{"an S7's six connectors are not six fans", protocol.AntminerOld, []string{
		`{"stats":[{"STATS":[{"CGMiner":"4.8.0","Type":"Antminer S7"}{"GHS 5s":5130.11,"fan_num":6,"fan1":4200,
			"fan2":0,"fan3":4080,"chain_acn1":45,"temp1":54}]}]}`},
		`{"fans":[4200,4080],"chip_temp":-1,"board_temp":54,"boards":[{"slot":1,"rate_mhs":-1,"chips":45,
			"chip_temp":-1}]}`},
	{"Hiveon's watts, and a chain whose rate is empty", protocol.AntminerOld, []string{
		`{"stats":[{"STATS":[{"Type":"Antminer S9 Hiveon"},{"GHS 5s":"2948.6","chain_acn6":63,"chain_acn7":63,
			"chain_rate6":"2948.61","chain_rate7":"","chain_power":"456.78 (AB)","fan_num":2,"fan5":4080,
			"fan6":4920}]}]}`},
		`{"power_watts":457,"boards":[{"slot":6,"rate_mhs":2948610,"chips":63,"chip_temp":-1},{"slot":7,
			"rate_mhs":0,"chips":63,"chip_temp":-1}]}`},
	{"scrypt with its unit named", protocol.AntminerOld, []string{
		`{"stats":[{"STATS":[{"Type":"Antminer L7"},{"GHS 5s":9487.46,"rate_unit":"MH","total_rateideal":9500,
			"chain_acn1":120,"chain_rate1":"2371.8"}]}]}`},
		`{"rate_mhs":9487,"ideal_mhs":9500,"boards":[{"slot":1,"rate_mhs":2372,"chips":120,"chip_temp":-1}]}`},
	{"scrypt in GH/s indeed", protocol.AntminerOld, []string{
		`{"stats":[{"STATS":[{"Type":"Antminer L9"},{"GHS 5s":16.9,"total_rateideal":17.03,"chain_acn1":110,
			"chain_rate1":"5.6"}]}]}`},
		`{"rate_mhs":16900,"ideal_mhs":17030,"boards":[{"slot":1,"rate_mhs":5600,"chips":110,"chip_temp":-1}]}`},
	{"MARA on the old port: heat without boards", protocol.AntminerOld, []string{
		`{"summary":[{"SUMMARY":[{"Elapsed":1649,"GHS 5s":100055.5}]}],"stats":[{"STATS":[{"BMMiner":"M"},
			{"temp_chip1":"49-58","temp_chip2":"NaN-56.5","temp_pcb1":"44-53"}]}]}`},
		`{"rate_mhs":100055500,"chip_temp":58,"board_temp":53}`},
	{"VNish's own version, and an id that is none", protocol.AntminerOld, []string{
		`{"stats":[{"STATS":[{"Miner":"uart","Type":"Antminer S19 XP (Vnish 1.2.0-rc1)"},{"GHS 5s":1,
			"chain_acn1":110,"chain_rate1":1,"miner_id":"no miner id now"}]}]}`},
		`{"model":"Antminer S19 XP","firmware":"1.2.0-rc1","miner_id":null}`},
	{"temperatures with fractions and without sensors", protocol.LuxOS, []string{
		`{"summary":[{"SUMMARY":[{"Elapsed":5,"GHS 5s":1}]}],"stats":[{"STATS":[{"GHS 5s":1,"chain_acn1":95,
			"chain_rate1":1,"temp_chip1":"NaN-NaN","chain_acn2":95,"chain_rate2":1,
			"temp_chip2":"58.25-59-60-61.75"}]}]}`},
		`{"chip_temp":62,"boards":[{"slot":1,"rate_mhs":1000,"chips":95,"chip_temp":-1},{"slot":2,
			"rate_mhs":1000,"chips":95,"chip_temp":62}]}`},
	{"a spike of three times what it makes", protocol.AntminerNew, []string{
		`{"INFO":{"type":"DG1+"},"STATS":[{"rate_unit":"MH/s","rate_ideal":14229,"rate_15m":14381,
			"rate_avg":14127.9,"rate_5s":48728.6,"elapsed":5,"chain":[]}]}`},
		`{"rate_mhs":14381}`},
	{"lists that are not of boards, fans that are not numbers", protocol.AntminerNew, []string{
		`{"INFO":{"type":"Antminer S21"},"STATS":[{"rate_unit":"GH/s","rate_5s":67293.4,"fan":["6000","0",-10,
			"5900 RPM"],"chain":[null,{"index":0,"asic_num":108,"rate_real":"67293,41","temp_chip":["NaN",null],
			"temp_pcb":[-12,-11]}]}]}`},
		`{"fans":[6000,0,5900],"board_temp":-11,"boards":[{"slot":0,"rate_mhs":67293410,"chips":108,
			"chip_temp":-1}]}`},
	{"boards in TH/s under the name of MH/s", protocol.WhatsminerV2, []string{
		`{"summary":[{"Msg":{"Elapsed":884.01,"MHS av":111337976,"HS RT":140544208,"Power":3173.45}}],
			"devs":[{"DEVS":[{"Slot":0,"Temperature":73.9,"MHS av":67.9,"HS RT":70.61},{"Slot":1,
			"Temperature":78.2,"MHS av":68.1,"HS RT":69.93}]}]}`},
		`{"rate_mhs":140544208,"elapsed_seconds":884,"power_watts":3173,"board_temp":78,"boards":[{"slot":0,
			"rate_mhs":70610000,"chips":-1,"chip_temp":74},{"slot":1,"rate_mhs":69930000,"chips":-1,
			"chip_temp":78}]}`},
	{"a summary in TH/s", protocol.WhatsminerV2, []string{
		`{"summary":[{"SUMMARY":[{"Elapsed":14759,"MHS av":111.77,"Accepted":711,"Rejected":1}]}]}`},
		`{"rate_mhs":111770000,"total_mh":1649613430000,"accepted":711,"rejected":1}`},
	{"one that has just begun is not read in TH/s", protocol.WhatsminerV2, []string{
		`{"summary":[{"SUMMARY":[{"Elapsed":24,"MHS av":12.5,"MHS 5s":0}]}]}`},
		`{"rate_mhs":13}`},
	{"an Avalon asleep whose averages fall", protocol.Avalon, []string{
		`{"summary":[{"SUMMARY":[{"Elapsed":1167,"MHS 1m":1102.8,"MHS av":22622399}]}]}`,
		`{"STATS":[{"MM ID0":"Ver[1346] SYSTEMSTATU[Work: In Idle, Hash Board: 3 ] GHSspd[0.00] SoftOFF[5]
			MGHS[7540.80 7540.80] TA[240] PS[0 1198 0 0 0 1393 11]"}]}`},
		`{"sleeping":true,"rate_mhs":0,"power_watts":11,"boards":[{"slot":0,"rate_mhs":0,"chips":120,
			"chip_temp":-1},{"slot":1,"rate_mhs":0,"chips":120,"chip_temp":-1}]}`},
	{"a Nano's one board and one sensor", protocol.Avalon, []string{
		`{"summary":[{"SUMMARY":[{"Elapsed":9,"MHS 5m":4050000}]}]}`,
		`{"STATS":[{"MM ID0":"Ver[Nano3] SYSTEMSTATU[Work: In Work, Hash Board: 1] ITemp[-273] OTemp[32] TMax[58]
			Fan1[2200] GHSspd[4100.00] TA[4]"}]}`},
		`{"board_temp":32,"chip_temp":58,"fans":[2200],"boards":[{"slot":0,"rate_mhs":4100000,"chips":4,
			"chip_temp":58}]}`},
	{"VNish stopped, without chains", protocol.VNish, []string{
		`{"system":{"network_status":{"mac":"02:00:00:00:00:07"}},"miner":{"miner_type":"Antminer S19 (Vnish 1.2.0)",
			"miner_status":{"miner_state":"stopped"},"hr_realtime":22977.2,"chip_temp":{"max":65},
			"pcb_temp":{"max":50},"chains":[]}}`},
		`{"sleeping":true,"rate_mhs":0,"chip_temp":65,"board_temp":50,"model":"Antminer S19","firmware":"1.2.0",
			"mac":"02:00:00:00:00:07"}`},
	{"VNish's chains say what they should make", protocol.VNish, []string{
		`{"miner":{"instant_hashrate":63,"chains":[{"id":1,"hashrate_ideal":32196.5,"hashrate_rt":31563.2},{"id":2,
			"hashrate_ideal":32196.5,"hashrate_rt":31518}]}}`},
		`{"ideal_mhs":64393000}`},
	{"NerdQAxe on its spare pool, two fans", protocol.AxeOS, []string{
		`{"hashRate":5455.5,"asicCount":4,"deviceModel":"NerdQAxe++","temp":59.9,"asicTemps":[0,63,0,0],"fanrpm":1796,
			"fans":[{"rpm":1796},{"rpm":1557}],"stratum":{"usingFallback":true,"pools":[{"connected":true}]},
			"stratumURL":"a","stratumPort":1,"stratumUser":"u","fallbackStratumURL":"b","fallbackStratumPort":2,
			"fallbackStratumUser":"v"}`},
		`{"fans":[1796,1557],"chip_temp":63,"pools":[{"url":"stratum+tcp://a:1","user":"u","alive":true,
			"active":false,"accepted":-1,"accepted_mh":-1},{"url":"stratum+tcp://b:2","user":"v","alive":true,
			"active":true,"accepted":-1,"accepted_mh":-1}]}`},
	{"NerdQAxe for two pools at once", protocol.AxeOS, []string{
		`{"hashRate":5455.5,"stratum":{"activePoolMode":1,"pools":[{"host":"a","port":1,"user":"u","connected":true,
			"accepted":30},{"connected":false,"accepted":2}]},"stratumURL":"old","fallbackStratumURL":"b",
			"fallbackStratumPort":"2","fallbackStratumUser":"v"}`},
		`{"pools":[{"url":"stratum+tcp://a:1","user":"u","alive":true,"active":true,"accepted":30,"accepted_mh":-1},
			{"url":"stratum+tcp://b:2","user":"v","alive":false,"active":false,"accepted":2,"accepted_mh":-1}]}`},
	{"a Bitaxe paused, of two chips and two fans", protocol.AxeOS, []string{
		`{"hashRate":0,"miningPaused":true,"temp":45.5,"temp2":47.2,"fanrpm":4120,"fan2rpm":3990,
			"power_fault":"Regulator over temperature","isUsingFallbackStratum":0,"primaryPoolIndex":1,
			"secondaryPoolIndex":0,"pools":[{"id":0,"stratumURL":"a","stratumPort":1,"stratumUser":"u"},{"id":1,
			"stratumURL":"stratum+ssl://b","stratumPort":2,"stratumUser":"v"}]}`},
		`{"sleeping":true,"chip_temp":47,"fans":[4120,3990],"errors":["Regulator over temperature"],
			"pools":[{"url":"stratum+tcp://a:1","user":"u","alive":true,"active":false,"accepted":-1,
			"accepted_mh":-1},{"url":"stratum+ssl://b:2","user":"v","alive":true,"active":true,"accepted":-1,
			"accepted_mh":-1}]}`},
	{"a Bitaxe on its spare pool of several", protocol.AxeOS, []string{
		`{"hashRate":500,"isUsingFallbackStratum":1,"primaryPoolIndex":0,"secondaryPoolIndex":1,"pools":[{"id":0,
			"stratumURL":"a"},{"id":1,"stratumURL":"b"}]}`},
		`{"pools":[{"url":"stratum+tcp://a","user":"","alive":true,"active":false,"accepted":-1,"accepted_mh":-1},
			{"url":"stratum+tcp://b","user":"","alive":true,"active":true,"accepted":-1,"accepted_mh":-1}]}`},
	{"a Bitaxe of two chips that names them one by one", protocol.AxeOS, []string{
		`{"hashRate":2150,"ASICModel":"BM1370","boardVersion":"801","frequency":525,"smallCoreCount":2040,
			"hashrateMonitor":{"asics":[{"total":1080},{"total":1070}]},"stratumURL":"stratum+tcp://a:3333",
			"stratumPort":3333}`},
		`{"model":"Bitaxe GT","ideal_mhs":2142000,"boards":[{"slot":0,"rate_mhs":2150000,"chips":2,"chip_temp":-1}],
			"pools":[{"url":"stratum+tcp://a:3333","user":"","alive":true,"active":true,"accepted":-1,
			"accepted_mh":-1}]}`},
	{"IceRiver's model in its program's name", protocol.IceRiver, []string{
		`{"data":{"model":"none","softver1":"5977449_ks3m_miner","rtpow":"6226G","boards":[{"no":1,
			"rtpow":"2151.38G"}]}}`},
		`{"model":"IceRiver KS3M","rate_mhs":6226000}`},
	{"IceRiver in hashes a second", protocol.IceRiver, []string{
		`{"data":{"model":"none","rtpow":121000000000,"rtpow_hash":"121","rtpow_unit":"GH/s","boards":[{"no":1,
			"chipnum":18,"rtpow":121000000000,"rtpow_unit":"GH/s"}]}}`},
		`{"model":"IceRiver","rate_mhs":121000,"boards":[{"slot":1,"rate_mhs":121000,"chips":18,"chip_temp":-1}]}`},
	{"boards in TH/s where GH/s is named, a pool that is active", protocol.AntminerOld, []string{
		`{"stats":[{"STATS":[{"Type":"Antminer S19"},{"GHS 5s":90000,"rate_unit":"GH","chain_acn1":79,"chain_acn2":79,
			"chain_rate1":"45","chain_rate2":"44"}]}],"pools":[{"POOLS":[{"URL":"a","User":"u","Status":"Active",
			"Stratum Active":true}]}]}`},
		`{"rate_mhs":90000000,"boards":[{"slot":1,"rate_mhs":45000000,"chips":79,"chip_temp":-1},{"slot":2,
			"rate_mhs":44000000,"chips":79,"chip_temp":-1}],"pools":[{"url":"a","user":"u","alive":true,
			"active":true,"accepted":-1,"accepted_mh":-1}]}`},
	{"one board of three that still works is not taken for TH/s", protocol.AntminerOld, []string{
		`{"stats":[{"STATS":[{"Type":"Antminer S19"},{"GHS 5s":90000,"chain_acn1":79,"chain_acn2":79,
			"chain_rate1":"300","chain_rate2":"0"}]}]}`},
		`{"boards":[{"slot":1,"rate_mhs":300000,"chips":79,"chip_temp":-1},{"slot":2,"rate_mhs":0,"chips":79,
			"chip_temp":-1}]}`},
	{"a Nano 3's supply, and its minute", protocol.Avalon, []string{
		`{"summary":[{"SUMMARY":[{"Elapsed":9,"MHS 5s":6048809.5,"MHS 1m":4151161.05}]}]}`,
		`{"STATS":[{"MM ID0":"Ver[nano3-25103101] PS[0 0 0 4 2756 126 330]"}]}`},
		`{"rate_mhs":4151161,"power_watts":126}`},
	{"shares of a Braiins that does not name its pools", protocol.BraiinsREST, []string{
		`{"pool_stats":{"accepted_shares":336,"rejected_shares":2},"miner_stats":{"real_hashrate":{"last_1m":
			{"gigahash_per_second":80901.2}}}}`},
		`{"accepted":336,"rejected":2,"rate_mhs":80901200}`},
	{"rates in other units", protocol.Cgminer, []string{
		`{"summary":[{"SUMMARY":[{"Elapsed":"120 s","THS 5s":110.5}]}],"devs":[{"DEVS":[{"ASC":0,
			"MHS 5s":"13,5 TH/s","Temperature":"61.5 C"}]}]}`},
		`{"elapsed_seconds":120,"rate_mhs":110500000,"boards":[{"slot":0,"rate_mhs":13500000,"chips":-1,
			"chip_temp":62}]}`},
	{"of two members with one name the last counts", protocol.Cgminer, []string{
		`{"summary":[{"SUMMARY":[{"Elapsed":99,"MHS 5s":0,"MHS av":1,"MHS 5s":105}]}]}`},
		`{"rate_mhs":105}`},
}

// A machine that answers in cgminer's plain text is read as one that answers in JSON, commas in its values included.
func TestPlainText(t *testing.T) {
	version := "STATUS=S,When=1,Code=22,Msg=CGMiner versions,Description=cgminer 4.11.1|VERSION,CGMiner=4.11.1," +
		"API=3.7,PROD=AvalonMiner 1066,MODEL=1066,DNA=020100002c2af618,MAC=b4a2eb000001|\x00rest"
	d, who, err := protocol.Detect([]byte(version))
	if err != nil || d != protocol.Avalon || who.Model != "Avalon A1066" || who.MAC != "b4:a2:eb:00:00:01" {
		t.Fatalf("%s %+v, %v", d, who, err)
	}
	summary := "STATUS=S,Msg=Summary|SUMMARY,Elapsed=6355,MHS 5s=50400000.00,Accepted=3222,Rejected=3,Last getwork=0|\x00"
	pools := "STATUS=S,Msg=1 Pool(s)|POOL=0,URL=stratum+tcp://h:1,Status=Alive,User=a,b.w,Proxy=,Stratum Active=true|" +
		"POOL=1,URL=stratum+tcp://i:1,Status=Dead,User=a|"
	stats := "STATUS=S,Code=70|STATS=0,ID=AVA100,Elapsed=6354,MM ID0=Ver[1066] SYSTEMSTATU[Work: In Work, A=3 ] " +
		"TMax[74] Fan1[3671] MGHS[16645.36 16761.64] MTmax[74 72] TA[228],Nonce Mask=25|"
	poll := [][]byte{protocol.Join([]string{"summary", "pools"}, [][]byte{[]byte(summary), []byte(pools)}),
		[]byte(stats)}
	r, err := protocol.Read(protocol.Avalon, poll)
	if err != nil {
		t.Fatal(err)
	}
	if r.RateMHs != 50_400_000 || r.Accepted != 3222 || len(r.Boards) != 2 || r.Boards[1].RateMHs != 16_761_640 ||
		len(r.Pools) != 2 || r.ActivePool().User != "a,b.w" || r.Pools[1].Alive || r.Fans[0] != 3671 {
		t.Errorf("%+v", r)
	}
}

// What stands around a number is told from it, and what could be two numbers is none.
func TestNumbersInTexts(t *testing.T) {
	for text, want := range map[string]int64{"13.5 TH/s": 13_500_000, "13,5TH/s": 13_500_000, "13400 GHS": 13_400_000,
		"1,072.24 GH/s": 1_072_240, "1,072 GH/s": -1, "1,072": -1, "6226G": 6_226_000, "0.5 P": 500_000_000,
		"950,25 kH/s": 1, "12 apples": -1, "-5 GH/s": -1, "": -1, "TH/s": -1, "5": 5, "1e3": 1000, "nan": -1,
		"1.2.3 TH/s": -1} {
		r, err := protocol.Read(protocol.Cgminer, [][]byte{[]byte(`{"SUMMARY":[{"Elapsed":5,"MHS 5s":"` + text + `"}]}`)})
		if err != nil || r.RateMHs != want {
			t.Errorf("%q is read as %d, %v; want %d", text, r.RateMHs, err, want)
		}
	}
	for text, want := range map[string]int{"5400 RPM": 5400, "5400rpm": 5400, "5400": 5400, "5.4K": -1, "5400 W": 5400} {
		r, err := protocol.Read(protocol.AxeOS, [][]byte{[]byte(`{"hashRate":1,"fanrpm":"` + text + `"}`)})
		if err != nil || (want < 0) != (len(r.Fans) == 0) || (want >= 0 && r.Fans[0] != want) {
			t.Errorf("a fan of %q is read as %v, %v", text, r.Fans, err)
		}
	}
}

// One command's reply that broke off, or that a web page stands for, does not cost the others.
func TestABrokenReplyAmongOthers(t *testing.T) {
	names := []string{"summary", "pools"}
	summary := `{"STATUS":[{"STATUS":"S"}],"SUMMARY":[{"Elapsed":5,"MHS 5s":13500000}],"id":1}`
	for _, broken := range []string{`{"STATUS":[{"STATUS":"S"}],"POOLS":[{"POOL":0,"URL":"stra`, "<html><body>502", "", " "} {
		joined := protocol.Join(names, [][]byte{[]byte(summary), []byte(broken)})
		r, err := protocol.Read(protocol.Cgminer, [][]byte{joined})
		if err != nil || r.RateMHs != 13_500_000 || len(r.Pools) != 0 {
			t.Errorf("beside %q: %d MH/s, pools %v, %v", broken, r.RateMHs, r.Pools, err)
		}
		joined = protocol.Join(names, [][]byte{[]byte(broken), []byte(`{"POOLS":[]}`)})
		if r, err := protocol.Read(protocol.Cgminer, [][]byte{joined}); err == nil {
			t.Errorf("a summary of %q is read: %+v", broken, r)
		}
	}
}
