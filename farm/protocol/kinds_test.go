package protocol_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aqsha/aqsha/farm/protocol"
)

// kind is an answer of a firmware that differs from its kin in one point: the replies to a poll, composed for the test,
// and what must be read from them.
type kind struct {
	name     string
	protocol protocol.Protocol
	replies  []string // fewer than are asked, or empty: that is not told
	want     string   // fields of the reading
}

func (k kind) poll() [][]byte {
	all := make([][]byte, len(k.protocol.Polls()))
	for i, reply := range k.replies {
		if reply != "" {
			all[i] = []byte(reply)
		}
	}
	return all
}

var kinds = []kind{
	{"a null is nothing", protocol.EPIC, []string{
		`{"Session":{"Uptime":7,"Average MHs":5},"Status":{"Last Error":null,"Operating State":"Mining"},
		"HBStatus":[{"Index":0,"Detected":true,"Enabled":false},{"Index":1,"Detected":true}],"HBs":[{"Index":1,
		"Hashrate":[9000,1],
		"Temperature":61}],"StratumConfigs":[{"pool":"stratum+tcp://a:1","login":"u"}],
		"Stratum":{"IsPoolConnected":true}}`,
		`{"Performance Estimator":{"Chip Count":110},"Model":"S19 XP"}`},
		`{"errors":null,"rate_mhs":9000,"boards":[{"slot":0,"rate_mhs":0,"chips":0,"chip_temp":-1},
		{"slot":1,"rate_mhs":9000,"chips":110,"chip_temp":61}]}`},
	{"ePIC of before 3: boards without rates, one pool", protocol.EPIC, []string{
		`{"Session":{"Uptime":7,"Average MHs":1828940.2,"Accepted":9},"HBs":[{"Index":0,"Temperature":59},
			{"Index":1,"Temperature":62}],
		"Stratum":{"Current Pool":"a.example:700","Current User":"w"}}`},
		`{"rate_mhs":1828940,"chip_temp":62,"pools":[{"url":"a.example:700","user":"w","alive":true,"active":true,
			"accepted":9,"accepted_mh":-1}]}`},
	{"a fee by its name", protocol.AntminerOld, []string{
		`{"summary":[{"SUMMARY":[{"Elapsed":5,"GHS 5s":1}]}],"stats":[{"STATS":[{"chain_acn1":63,"GHS 5s":1,
			"chain_consumption1":400,"chain_rate1":1}]}],
		"pools":[{"POOLS":[{"URL":"DevFee","User":"DevFee","Status":"Alive","Accepted":3,"Priority":5}]}]}`},
		`{"pools":[{"url":"DevFee","user":"DevFee","alive":true,"active":false,"fee":true,"accepted":3,
			"accepted_mh":-1}],"power_watts":400}`},
	{"watts of MSK", protocol.AntminerOld, []string{
		`{"summary":[{"SUMMARY":[{"Elapsed":5}]}],"stats":[{"STATS":[{"chain_acn1":88,"chain_rate1":"34000.1",
			"GHS 5s":34000,"total_power":3358}]}]}`},
		`{"power_watts":3358}`},
	{"scrypt in MH/s under the name of GH/s", protocol.AntminerOld, []string{
		`{"stats":[{"STATS":[{"Type":"Antminer L3+"},{"chain_acn1":72,"chain_rate1":"126.12","GHS 5s":"504.56"}]}],
			"pools":[{"POOLS":[{"URL":"a"}]}]}`},
		`{"model":"Antminer L3+","rate_mhs":505,"boards":[{"slot":1,"rate_mhs":126,"chips":72,"chip_temp":-1}]}`},
	{"Avalon of several modules", protocol.Avalon, []string{
		`{"summary":[{"SUMMARY":[{"Elapsed":5,"MHS av":47}]}],
			"stats":[{"STATS":[{"MM ID1":"DNA[01] Temp[38] TMax[89] Fan[2550] GHSmm[6836.48] TA[88]",
		"MM ID2":"DNA[02] Temp[43] TMax[92] Fan[2700] GHSmm[6844.33] TA[88]"},
		{"MM ID1":"DNA[03] Temp[30] TMax[70] Fan[10] GHSmm[1] TA[88]"}]}]}`},
		`{"chip_temp":92,"board_temp":43,"fans":[2550,2700,10],"ideal_mhs":13681810,"boards":[{"slot":1,
			"rate_mhs":-1,"chips":88,"chip_temp":89},
		{"slot":2,"rate_mhs":-1,"chips":88,"chip_temp":92},{"slot":3,"rate_mhs":-1,"chips":88,"chip_temp":70}]}`},
	{"Avalon without its summary", protocol.Avalon, []string{
		`{"stats":[{"STATS":[{"MM ID0":"Elapsed[77] DNA[0f] MGHS[12.5 13.5] MTmax[61 64] TA[240] PS[0 1 2 3 4 5 600]"}]}]}`},
		`{"rate_mhs":26000,"elapsed_seconds":77,"miner_id":"0f","power_watts":600}`},
	{"SealMiner with spaces in its names", protocol.SealMiner, []string{
		`{"summary":[{"SUMMARY":[{"Elapsed":1,"MHS 5m":2}]}],"stats":[{"STATS":[{"0 Online":true,
			"0 Chip Count":153,"0 MHS(Sample)":73905832.1,
		"0 Temp 0":55,"0 Temp 3":69,"0 SN":"S1","0 Speed":3723,"1 Speed":3753,"Fan Count":2}]}]}`},
		`{"fans":[3723,3753],"boards":[{"slot":0,"rate_mhs":73905832,"chips":153,"chip_temp":69,"serial":"S1"}]}`},
	{"ElphaPex in thousandths of a degree, its supply on a page", protocol.ElphaPex, []string{
		`{"INFO":{"type":"DG1+"},"STATS":[{"rate_5s":11532,"rate_unit":"MH/s","chain":[{"index":0,"asic_num":204,
			"rate_real":3554,"temp_chip":["25687","","25437"]}]}]}`,
		`{"POOLS":[]}`, `{"power_output":"25"}`},
		`{"rate_mhs":11532,"chip_temp":26,"power_watts":25}`},
	{"a sleeping Antminer that tells what it is and no more", protocol.AntminerNew, []string{
		`{"STATUS":{"STATUS":"S"},"INFO":{"type":"Antminer S21"},"STATS":[]}`},
		`{"model":"Antminer S21","rate_mhs":0}`},
	{"GraphQL's hottest places", protocol.BraiinsGraphQL, []string{
		`{"data":{"bosminer":{"info":{"fans":[]}}}}`, ``,
		`{"data":{"bosminer":{"info":{"workSolver":{"childSolvers":[{"name":"1",
			"temperatures":[{"name":"Max Board","degreesC":60.0},{"name":"Max Chip","degreesC":75.0},
		{"name":"Inlet","degreesC":39}]}]}}}}}`},
		`{"chip_temp":75,"board_temp":60}`},
	{"GraphQL of a machine that was stopped", protocol.BraiinsGraphQL, []string{
		`{"data":{"bosminer":{"info":{"workSolver":null,"fans":[]}}}}`,
		`{"data":{"bosminer":{"info":{"poolGroups":[{"pools":[{"url":"a","user":"u","status":"ALIVE"}]}]}}}}`},
		`{"sleeping":true,"rate_mhs":0,"pools":[{"url":"a","user":"u","alive":true,"active":false,"accepted":-1,
			"accepted_mh":-1}]}`},
	{"Proto's boards from the telemetry", protocol.Proto, []string{`{"mining-status":{"hashrate_ghs":1}}`, ``,
		`{"hardware-info":{"hashboards-info":[{"slot":1,"mining_asic_count":120,"hb_sn":"HB-0"}]}}`, ``, ``, ``, ``,
		`{"hashboards":[{"serial_number":"HB-0","hashrate":{"unit":"TH/s","value":36.5},
			"temperature":{"outlet":55.2}}]}`},
		`{"boards":[{"slot":1,"rate_mhs":36500000,"chips":120,"chip_temp":55,"serial":"HB-0"}]}`},
	{"Whatsminer whose status names a mode that its summary does not", protocol.WhatsminerV2, []string{
		`{"SUMMARY":[{"Elapsed":9,"MHS av":110100000,"MHS 5m":110200000,"Power Mode":"Normal"}]}`, ``,
		`{"Msg":{"power_mode":"low","power_limit_set":"3600"}}`}, `{"mode":"low","power_limit_watts":3600}`},
	{"Whatsminer's mode in its summary, its limit there first", protocol.WhatsminerV2, []string{
		`{"SUMMARY":[{"Elapsed":9,"MHS av":110100000,"Power Limit":3400,"Power Mode":"Low"}]}`, ``,
		`{"Msg":{"power_limit_set":"3600"}}`}, `{"mode":"low","power_limit_watts":3400}`},
	{"Whatsminer 3 in a mode", protocol.WhatsminerV3, []string{`{"msg":{"summary":{"elapsed":9,"hash-realtime":88}}}`,
		`{"msg":{"power":{"mode":"Low"}}}`}, `{"mode":"low"}`},
	{"Whatsminer 3 whose supply's mode is a number", protocol.WhatsminerV3, []string{
		`{"msg":{"summary":{"elapsed":9,"hash-realtime":88}}}`, `{"msg":{"power":{"mode":"1"}}}`}, `{"mode":null}`},
	{"VNish's preset by its watts", protocol.VNish, []string{`{"miner":{"instant_hashrate":88}}`, ``,
		`{"current_preset":{"name":"2560","pretty":"2560 watt ~ 88 TH"}}`}, `{"mode":"2560","power_limit_watts":2560}`},
	{"VNish's preset of another name", protocol.VNish, []string{`{"miner":{"instant_hashrate":88}}`, ``,
		`{"current_preset":{"name":"quiet","pretty":"2560 watt ~ 88 TH"}}`},
		`{"mode":"quiet","power_limit_watts":2560}`},
	{"VNish without a preset", protocol.VNish, []string{`{"miner":{"instant_hashrate":88}}`, ``,
		`{"current_preset":{"name":"disabled"}}`}, `{"mode":null,"power_limit_watts":-1}`},
	{"VNish's preset in the summary", protocol.VNish, []string{
		`{"miner":{"instant_hashrate":88,"overclock":{"preset":"1450"}}}`}, `{"mode":"1450","power_limit_watts":1450}`},
	{"a mode that is a frequency, not watts", protocol.VNish, []string{`{"miner":{"instant_hashrate":88}}`, ``,
		`{"current_preset":{"name":"445MHz"}}`}, `{"mode":"445mhz","power_limit_watts":-1}`},
	{"VNish's spare pool works and is not in use", protocol.VNish, []string{
		`{"miner":{"instant_hashrate":173.87,"average_hashrate":1,"pools":[{"url":"a:1","status":"active"},
			{"url":"b:1","status":"working"}]}}`},
		`{"rate_mhs":173870000,"pools":[{"url":"a:1","user":"","alive":true,"active":true,"accepted":-1,
			"accepted_mh":-1},
		{"url":"b:1","user":"","alive":true,"active":false,"accepted":-1,"accepted_mh":-1}]}`},
	{"Whatsminer whose momentary rate is in another unit", protocol.WhatsminerV2, []string{
		`{"SUMMARY":[{"Elapsed":9,"HS RT":110.5,"MHS av":110100000,"MHS 5m":110200000}]}`},
		`{"rate_mhs":110200000}`},
	{"chains of Innosilicon's kin in the stats", protocol.Cgminer, []string{
		`{"summary":[{"SUMMARY":[{"Elapsed":9,"MHS 5s":45}]}],"stats":[{"STATS":[{"Chain ID":"1","Chip Count":102,
			"MHS 5s":22,"Temp Avg":85.87,"Fan0 Speed":3090,
		"Fan1 Speed":3330},{"Chain ID":"2","Chip Count":101,"MHS 5s":23,"Temp Avg":84,"Status":"Dead",
		"Fan0 Speed":3090},{"ID":"POOL0","Elapsed":9}]}]}`},
		`{"fans":[3090,3330],"chip_temp":86,"boards":[{"slot":0,"rate_mhs":22,"chips":102,"chip_temp":86},
			{"slot":1,"rate_mhs":0,"chips":101,"chip_temp":84}]}`},
	{"chains in sections of their own", protocol.Cgminer, []string{
		`{"summary":[{"SUMMARY":[{"Elapsed":9,"MHS 5s":45}]}],"devs":[{"DEVS":[{"ASC":0,"MHS 5s":45,
			"temperature":34}]}],
		"stats":[{"STATS0":[{"STATS":0,"Num active chips":12,"MHS av":16500,"Temp":47}],"STATS1":[{"STATS":1}]}]}`},
		`{"boards":[{"slot":0,"rate_mhs":45,"chips":12,"chip_temp":47}]}`},
	{"a summary that is denied, pools in sections of their own", protocol.Cgminer, []string{
		`{"devs":[{"DEVS":[{"ASC":0,"MHS 5s":7,"Total MH":70,"Hardware Errors":1,"Device Elapsed":10},{"ASC":1,
			"MHS 5s":8,"Total MH":80,"Hardware Errors":2,"Device Elapsed":9}]}],
		"pools":[{"POOL0":[{"URL":"a","User":"u","Status":"Alive","Accepted":2113}],"POOL1":[{"URL":"b",
		"Status":"Alive","Accepted":3}]}]}`},
		`{"rate_mhs":15,"total_mh":150,"elapsed_seconds":10,"hardware_errors":3,"pools":[{"url":"a","user":"u",
			"alive":true,"active":true,"accepted":2113,"accepted_mh":-1},
		{"url":"b","user":"","alive":true,"active":false,"accepted":3,"accepted_mh":-1}]}`},
	{"boards as an old Antminer's under another name", protocol.Cgminer, []string{
		`{"summary":[{"SUMMARY":[{"Elapsed":9,"MHS 5s":"4886.5"}]}],"stats":[{"STATS":[{"chain_acn1":108,
			"chain_rate1":"1578.27","chain_acn2":108,"chain_rate2":"1594.36",
		"fan1":4650,"fan2":4500,"temp1":45}]}]}`},
		`{"rate_mhs":4887,"fans":[4650,4500],"board_temp":45,"boards":[{"slot":1,"rate_mhs":1578,"chips":108,
			"chip_temp":-1},{"slot":2,"rate_mhs":1594,"chips":108,"chip_temp":-1}]}`},
	{"Goldshell", protocol.Goldshell, []string{
		`{"data":[{"id":0,"hashrate":2992548.8,"av_hashrate":3051310.1,"time":1293,"accepted":10,"rejected":1,
			"hwerrors":4,"nonces":5,"fanspeed":"2940 rpm / 2950 rpm",
		"temp":"83.0 °C / 73.8 °C"},{"id":1,"hashrate":1000,"av_hashrate":1000,"time":1290,"accepted":5,
		"r_temp":"77.8 °C","l_temp":"0.0 °C"}]}`,
		`[{"url":"stratum+tcp://a:1","user":"u","legal":true,"active":true},{"url":"stratum+tcp://b:1","user":"v",
			"legal":true,"active":false}]`,
		`{"model":"Goldshell-CK5","firmware":"2.0.1"}`, `{"name":"28:E2:97:00:00:01"}`},
		`{"model":"Goldshell-CK5","firmware":"2.0.1","mac":"28:e2:97:00:00:01","rate_mhs":2993549,
			"elapsed_seconds":1293,"accepted":15,"hardware_errors":4,"fans":[2940,2950],
		"chip_temp":83,"pools":[{"url":"stratum+tcp://a:1","user":"u","alive":true,"active":true,"accepted":15,
		"accepted_mh":-1},
		{"url":"stratum+tcp://b:1","user":"v","alive":true,"active":false,"accepted":0,"accepted_mh":-1}]}`},
	{"Dragonmint", protocol.Innosilicon, []string{
		`{"success":true,"DEVS":[{"ASC":0,"MHS 5s":4745502.9,"Total MH":5,"Temperature":72,"Device Elapsed":4792,
			"Hardware Errors":6600}],
		"POOLS":[{"URL":"stratum+tcp://a:1","User":"u","Status":"Alive","Stratum Active":true,"Accepted":1030,
		"Difficulty Accepted":2}]}`,
		`{"all":{"power":1480,"chain":[{"ASC":0,"Temp max":81,"Num active chips":42}]}}`,
		`{"type":"T1","version":{"ethaddr":"00:0a:35:00:00:01","platform_v":"t1_20180409"}}`},
		`{"model":"Dragonmint T1","firmware":"t1_20180409","mac":"00:0a:35:00:00:01","rate_mhs":4745503,
			"power_watts":1480,"chip_temp":81,"accepted":1030,
		"boards":[{"slot":0,"rate_mhs":4745503,"chips":42,"chip_temp":81}]}`},
	{"Ebang", protocol.Ebang, []string{
		`{"status":1,"feedback":{"accepted":2033,"rejected":265,"averfigure":"12.28T","fiveavg":"12.51T",
			"worktime":"123:6:37","cgminerstatus":"stratum+tcp://a:1"}}`,
		`{"feedback":{"devicefan":5520,"devicefan2":5640,"productname":"DWM_BTC1000","device1temp":"60,55|55,51",
			"device3temp":0,"device4temp":58}}`,
		`{"feedback":{"Mip1":"stratum+tcp://a:1","Mwork1":"w","Mip2":"","Mip3":"stratum+tcp://b:1"}}`},
		`{"model":"DWM_BTC1000","rate_mhs":12510000,"elapsed_seconds":443197,"fans":[5520,5640],"board_temp":60,
			"accepted":2033,
		"pools":[{"url":"stratum+tcp://a:1","user":"w","alive":true,"active":true,"accepted":2033,
		"accepted_mh":-1},{"url":"stratum+tcp://b:1","user":"","alive":true,"active":false,"accepted":0,
		"accepted_mh":-1}]}`},
	{"Bitfury", protocol.Bitfury, []string{
		`{"mac":"16:bf:01:00:00:01","slots":{"0":{"ghs":"8042.8","chips":96,"temperature":59,"temperature1":57},
			"1":{"ghs":"7804.2","chips":96}},"fansRpm":[5886,5921],
		"versions":{"softwareVersion":"1.3.7"},"master":{"upTime":4029,"psuW":"5421.2",
		"intervals":{"0":{"bySol":"48395.4"}}},
		"pool":{"host":"a.example","port":3333,"userName":"u","intervals":{"0":{"sharesAccepted":896,
		"sharesRejected":1}}}}`},
		`{"model":"Bitfury B8","mac":"16:bf:01:00:00:01","rate_mhs":15847000,"elapsed_seconds":4029,
			"power_watts":5421,"chip_temp":59,"fans":[5886,5921],"accepted":896,"rejected":1,
		"pools":[{"url":"stratum+tcp://a.example:3333","user":"u","alive":true,"active":true,"accepted":896,
		"accepted_mh":-1}]}`},
}

// Each kind of answer is read in the point that it is there for.
func TestKindsOfAnswers(t *testing.T) {
	for _, tc := range slices.Concat(kinds, unseen) {
		got, err := protocol.Read(tc.protocol, tc.poll())
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		text, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var have, want map[string]any
		if err := json.Unmarshal(text, &have); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(tc.want), &want); err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		for field, value := range want {
			if diff := cmp.Diff(value, have[field]); diff != "" {
				t.Errorf("%s: %s is read otherwise (−want +got):\n%s", tc.name, field, diff)
			}
		}
	}
}

// What firmwares write behind the end of a reply does not spoil those that it is joined with.
func TestGarbageBehindAReply(t *testing.T) {
	joined := protocol.Join([]string{"summary", "pools"}, [][]byte{[]byte(`{"SUMMARY":[{"Elapsed":5,"MHS 5s":7}],
		"id":1}"}`), []byte(`{"POOLS":[{"URL":"a","Status":"Alive"}]}`)})
	r, err := protocol.Read(protocol.Cgminer, [][]byte{joined})
	if err != nil || r.RateMHs != 7 || len(r.Pools) != 1 {
		t.Errorf("%+v, %v of %s", r, err, joined)
	}
}

// A board that is there and tells neither rate nor chips works; one without chips does not.
func TestLive(t *testing.T) {
	for chips, want := range map[int]bool{protocol.Unknown: true, 0: false, 63: true} {
		if b := (protocol.Board{RateMHs: protocol.Unknown, Chips: chips}); b.Live() != want {
			t.Errorf("%d chips: live is %v", chips, b.Live())
		}
	}
}
