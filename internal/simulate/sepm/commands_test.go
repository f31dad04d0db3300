package sepm_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

// command makes a command and gives the answer, which is ids alone.
func (b *bench) command(path, body string) map[string]string {
	b.t.Helper()
	a := b.do("POST", "/command-queue/"+path, body)
	require.Equal(b.t, 200, a.status, a.body)
	made := map[string]string{}
	for key, value := range a.object(b.t) {
		text, ok := value.(string)
		require.True(b.t, ok)
		require.Len(b.t, text, 32)
		made[key] = text
	}
	return made
}

// through lets the clients finish.
func (b *bench) through() { b.clock.advance(time.Minute) }

func (b *bench) status(command string) []map[string]any {
	b.t.Helper()
	return b.page("/command-queue/" + command + "?pageSize=1000").Content
}

func TestLifeOfACommand(t *testing.T) {
	b := loggedIn(t, sepm.Options{Computers: []sepm.Computer{{Name: "A", ID: id("1"), IPs: []string{"192.0.2.1"}, User: "u"}}})
	made := b.command("activescan?computer_ids="+strings.ToLower(id("1")), "")["commandID_computer"]
	require.Empty(t, b.status(made), "empty at first")
	begin, _ := time.Parse(time.RFC3339, "2024-08-21T12:00:05Z")
	for _, step := range []struct {
		after   time.Duration
		state   int
		sub     int
		updated any
	}{
		{time.Second, 0, 0, nil},
		{5 * time.Second, 1, 0, "2024-08-21T12:00:05Z"},
		{6 * time.Second, 2, 0, "2024-08-21T12:00:06Z"},
		{10 * time.Second, 3, 100, "2024-08-21T12:00:10Z"},
		{time.Hour, 3, 100, "2024-08-21T12:00:10Z"},
	} {
		b.clock.set(begin.Add(step.after - 5*time.Second))
		items := b.status(made)
		require.Len(t, items, 1)
		want := map[string]any{"computerName": "A", "computerId": id("1"), "computerIp": "192.0.2.1", "domainName": "Default",
			"currentLoginUserName": "u", "hardwareKey": items[0]["hardwareKey"], "binaryFileId": nil, "stateId": float64(step.state), "subStateId": float64(step.sub),
			"lastUpdateTime": step.updated, "beginTime": nil, "subStateDesc": nil, "resultInXML": nil}
		if step.state > 0 {
			want["beginTime"], want["subStateDesc"], want["resultInXML"] = "2024-08-21T12:00:05Z", "", ""
		}
		require.Equal(t, want, items[0])
	}
	c, _ := b.Computer(id("1"))
	require.Equal(t, "2024-08-21T12:00:10Z", c.LastScan.UTC().Format(time.RFC3339))
}

func TestOfflineClients(t *testing.T) {
	b := loggedIn(t, sepm.Options{Computers: []sepm.Computer{{Name: "A", ID: id("1"), Offline: true}, {Name: "B", ID: id("2")}, {Name: "C", ID: id("3")}}})
	made := b.command("fullscan?power=true&computer_ids="+id("1")+","+id("2")+"&computer_ids="+id("3"), "")["commandID_computer"]
	b.clock.advance(2 * time.Second)
	b.ChangeComputer(id("3"), func(c *sepm.Computer) { c.Offline = true }) // before it has received it
	b.clock.advance(time.Hour)
	states := func() map[string]int {
		got := map[string]int{}
		for _, target := range b.Commands()[0].Targets {
			got[target.ComputerID[:1]] = target.State
		}
		return got
	}
	require.Equal(t, map[string]int{"1": 0, "2": 3, "3": 0}, states())
	items := b.status(made)
	require.Equal(t, []any{nil, nil, "2024-08-21T12:00:05Z"}, []any{items[0]["beginTime"], items[1]["beginTime"], items[2]["beginTime"]}, "by begin time")
	require.Equal(t, "B", b.page("/command-queue/" + made + "?order=DESC&pageSize=1").Content[0]["computerName"])

	b.ChangeComputer(id("1"), func(c *sepm.Computer) { c.Offline = false })
	require.Equal(t, 0, states()["1"])
	b.clock.advance(5 * time.Second)
	require.Equal(t, 1, states()["1"])
	b.ChangeComputer(id("1"), func(c *sepm.Computer) { c.Offline = true })
	b.clock.advance(5 * time.Second)
	require.Equal(t, 3, states()["1"], "it has received it, and goes on")
	b.DeleteComputer(id("3"))
	b.through()
	require.Equal(t, 0, states()["3"], "it will never hear of it")
	require.True(t, b.Commands()[0].Power)
}

func TestOutcomes(t *testing.T) {
	rejected := sepm.Outcome{State: 4, SubState: 131, Text: "no"}
	b := loggedIn(t, sepm.Options{Outcome: sepm.Outcome{State: 6, SubState: 2},
		Computers: []sepm.Computer{{Name: "A", ID: id("1"), Outcome: rejected}, {Name: "B", ID: id("2")}}})
	made := b.command("quarantine?computer_ids="+id("1")+","+id("2"), "")["commandID_computer"]
	b.through()
	items := b.status(made)
	require.Equal(t, []any{4.0, 131.0, "no", ""}, []any{items[0]["stateId"], items[0]["subStateId"], items[0]["subStateDesc"], items[0]["resultInXML"]})
	require.Equal(t, []any{6.0, 2.0}, []any{items[1]["stateId"], items[1]["subStateId"]})
	require.Empty(t, b.Quarantined(), "neither has done it")
}

func TestSubstates(t *testing.T) {
	b := loggedIn(t, sepm.Options{Computers: []sepm.Computer{{Name: "A", ID: id("1"), Infected: true}}})
	scan := b.command("activescan?computer_ids="+id("1"), "")["commandID_computer"]
	a := b.do("POST", "/command-queue/updatecontent?computer_ids="+id("1"), "")
	update := fmt.Sprint(a.object(t)["commandID_computer"])
	b.clock.advance(7 * time.Second)
	require.EqualValues(t, 120, b.status(update)[0]["subStateId"], "LiveUpdate is running")
	b.through()
	require.EqualValues(t, 101, b.status(scan)[0]["subStateId"], "a risk was found")
	require.EqualValues(t, 0, b.status(update)[0]["subStateId"])
}

func TestTargetsOfCommands(t *testing.T) {
	targets := func(b *bench) map[string][]string {
		got := map[string][]string{}
		for _, c := range b.Commands() {
			got[c.By] = []string{}
			for _, target := range c.Targets {
				got[c.By] = append(got[c.By], target.ComputerID[:1])
			}
		}
		return got
	}
	b := loggedIn(t, grouped())
	b.ChangeComputer(id("4"), func(c *sepm.Computer) { c.HardwareKey = id("D") })
	// The row's group beside the computer: all of the group is struck.
	made := b.command("quarantine?computer_ids="+id("1")+"&group_ids="+id("E")+"&hardware_ids="+id("D"), "")
	require.Len(t, made, 3)
	require.Contains(t, made, "commandID_computer")
	require.Contains(t, made, "commandID_group")
	require.Contains(t, made, "commandID_hardware")
	require.Equal(t, map[string][]string{"computer": {"1"}, "group": {"1", "2"}, "hardware": {"4"}}, targets(b))

	b = loggedIn(t, grouped())
	made = b.command("activescan?group_ids="+id("E"), "")
	require.Len(t, made, 1)
	require.Contains(t, made, "commandID_group")

	// An unknown one, and one of another domain, are left out without a word.
	b = loggedIn(t, grouped())
	require.Contains(t, b.command("activescan?computer_ids="+id("9")+","+id("5"), ""), "commandID_computer")
	require.Equal(t, map[string][]string{"computer": {}}, targets(b))
	require.Equal(t, 400, b.do("POST", "/command-queue/activescan?computer_ids=,", "").status)
	require.Equal(t, 400, b.do("POST", "/command-queue/activescan?hardware_ids="+id("D"), "").status, "only quarantine knows them")
	require.Equal(t, 400, b.do("POST", "/command-queue/quarantine?undo=x&computer_ids="+id("1"), "").status)

	opt := grouped()
	opt.UnknownTarget404, opt.MergeHardware = true, true
	b = loggedIn(t, opt)
	for _, query := range []string{"computer_ids=" + id("9"), "group_ids=" + id("9"), "hardware_ids=" + id("9")} {
		require.Equal(t, 404, b.do("POST", "/command-queue/quarantine?"+query, "").status, query)
	}
	c, _ := b.Computer(id("1"))
	made = b.command("quarantine?computer_ids="+id("1")+"&hardware_ids="+c.HardwareKey, "")
	require.Len(t, made, 1)
	require.Equal(t, map[string][]string{"computer": {"1"}}, targets(b))
}

func TestIDsInAForm(t *testing.T) {
	b := loggedIn(t, grouped())
	b.contentType = "application/x-www-form-urlencoded"
	require.Contains(t, b.command("updatecontent", "computer_ids="+id("1")), "commandID_computer")
}

func TestQuarantine(t *testing.T) {
	b := loggedIn(t, sepm.Options{QuarantineText: "Client is quarantined", Computers: []sepm.Computer{
		{Name: "A", ID: id("1"), Integrity: sepm.IntegrityPassed}, {Name: "B", ID: id("2")}}})
	b.command("quarantine?undo=false&computer_ids="+id("1")+","+id("2"), "")
	b.clock.advance(9 * time.Second)
	require.Empty(t, b.Quarantined(), "not yet")
	b.clock.advance(time.Second)
	require.Equal(t, []string{id("1"), id("2")}, b.Quarantined())
	require.Equal(t, "Client is quarantined", b.list("").Content[0]["quarantineDesc"])
	b.command("quarantine?undo=true&computer_ids="+id("1"), "")
	b.through()
	require.Equal(t, []string{id("2")}, b.Quarantined())
	require.EqualValues(t, 1, b.list("").Content[0]["quarantineStatus"], "as it was before")
	require.Equal(t, []bool{false, true}, []bool{b.Commands()[0].Undo, b.Commands()[1].Undo})
}

func TestCancel(t *testing.T) {
	b := loggedIn(t, sepm.Options{Computers: []sepm.Computer{{Name: "A", ID: id("1")}, {Name: "B", ID: id("2"), Offline: true}}})
	made := b.command("fullscan?computer_ids="+id("1")+","+id("2"), "")["commandID_computer"]
	b.clock.advance(5 * time.Second) // A has received it
	cancel := b.command(made+"/cancel", "")
	require.Len(t, cancel, 1)
	b.through()
	b.ChangeComputer(id("2"), func(c *sepm.Computer) { c.Offline = false })
	b.through()
	all := b.Commands()
	require.Equal(t, []sepm.Target{{ComputerID: id("1"), State: 3, SubState: 100}, {ComputerID: id("2"), State: 5}}, all[0].Targets)
	require.Equal(t, []sepm.Target{{ComputerID: id("2"), State: 3}}, all[1].Targets)
	require.Equal(t, made, all[1].Cancels)
	require.Equal(t, all[1].ID, cancel["commandID"])
}

func TestUnknownCommand(t *testing.T) {
	for answer, want := range map[sepm.UnknownCommand][2]int{sepm.UnknownEmpty: {200, 404}, sepm.Unknown404: {404, 404}, sepm.Unknown410: {410, 410}} {
		b := loggedIn(t, sepm.Options{UnknownCommand: answer})
		require.Equal(t, want[0], b.get("/command-queue/"+id("9")).status)
		require.Equal(t, want[1], b.do("POST", "/command-queue/"+id("9")+"/cancel", "").status)
	}
}

func TestPagesOfAStatus(t *testing.T) {
	b := loggedIn(t, sepm.Options{Computers: sepm.Fleet(1, 45)})
	var all []string
	for _, c := range b.Computers() {
		all = append(all, c.ID)
	}
	var made []string
	for _, some := range [][]string{all[:44], all[44:]} { // more does not fit a line with ids of this length
		made = append(made, b.command("activescan?computer_ids="+strings.Join(some, ","), "")["commandID_computer"])
	}
	b.through()
	p := b.page("/command-queue/" + made[0] + "?pageIndex=3")
	require.Equal(t, []int{2, 20, 4, 3, 44}, []int{p.Number, p.Size, p.NumberOfElements, p.TotalPages, p.TotalElements})
	require.Equal(t, "Begintime", p.Sort[0].Property)
	require.True(t, p.LastPage)
	require.Equal(t, 400, b.get("/command-queue/"+made[0]+"?sort=x").status)
}

// TestGroupOfALargeFleet: a command for a group has a target in each client.
func TestGroupOfALargeFleet(t *testing.T) {
	fleet := sepm.Fleet(1, 50_000)
	group := fleet[0].Group
	members := 0
	for _, c := range fleet {
		if c.Group.ID == group.ID {
			members++
		}
	}
	b := loggedIn(t, sepm.Options{Computers: fleet})
	made := b.command("updatecontent?group_ids="+group.ID, "")["commandID_group"]
	b.through()
	p := b.page("/command-queue/" + made + "?pageSize=1000")
	require.Equal(t, members, p.TotalElements)
	require.Len(t, p.Content, 1000)
}
