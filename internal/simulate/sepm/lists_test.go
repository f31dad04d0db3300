package sepm_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

const lists = "/policy-objects/fingerprints"

func query(text string) string { return url.QueryEscape(text) }

func md5(digit string) string    { return strings.Repeat(digit, 32) }
func sha256(digit string) string { return strings.Repeat(digit, 64) }

func (b *bench) create(body string) string {
	b.t.Helper()
	a := b.do("POST", lists, body)
	require.Equal(b.t, 200, a.status, a.body)
	made := a.object(b.t)
	require.Len(b.t, made, 1)
	return fmt.Sprint(made["id"])
}

func TestListOfTheFirstVersion(t *testing.T) {
	b := loggedIn(t, sepm.Options{})
	made := b.create(`{"name":"Blacklist","description":"d","domainId":"` + sepm.DefaultDomainID + `","hashType":"MD5","data":["` + md5("a") + `"]}`)
	want := fmt.Sprintf(`{"id":%q,"name":"Blacklist","description":"d","hashType":"MD5","source":"WEBSERVICE","groupIds":[],"data":[%q]}`, made, md5("A"))
	require.JSONEq(t, want, b.get(lists+"/"+strings.ToLower(made)).body, "hashes in upper case")
	require.JSONEq(t, want, b.get(lists+"?name=Blacklist").body)
	require.JSONEq(t, fmt.Sprintf(`[{"MD5":%q}]`, md5("A")), string(mustJSON(t, b.v2("GET", lists+"/"+made, "").object(t)["data"])))

	a := b.do("POST", lists+"/"+made, `{"name":"Other","hashType":"SHA256","data":["`+sha256("b")+`","`+sha256("b")+`"]}`)
	require.Equal(t, 200, a.status)
	require.Empty(t, a.body)
	require.Equal(t, []sepm.List{{ID: made, Name: "Other", Domain: sepm.Domain{ID: sepm.DefaultDomainID, Name: "Default"}, Source: "WEBSERVICE",
		Hashes: []sepm.Hashes{{SHA256: sha256("B")}, {SHA256: sha256("B")}}}}, b.Lists(), "all of it is replaced, and nothing folded")
}

func TestUnknownList(t *testing.T) {
	b := loggedIn(t, sepm.Options{})
	for _, a := range []answer{b.get(lists + "?name=Blacklist2"), b.get(lists + "/Blacklist2"), b.do("DELETE", lists+"/Blacklist2", ""),
		b.do("POST", lists+"/Blacklist2", `{"name":"x","hashType":"MD5","data":["`+md5("a")+`"]}`), b.v2("GET", lists+"/Blacklist2", "")} {
		require.Equal(t, 410, a.status)
		require.JSONEq(t, `{"errorCode":"410","appErrorCode":"","errorMessage":"Fingerprint list with ID Blacklist2 do not exist"}`, a.body)
	}
	require.Equal(t, 400, b.get(lists).status, "there is no list of lists")
}

func TestListsThatAreRefused(t *testing.T) {
	b := loggedIn(t, sepm.Options{})
	b.create(`{"name":"a","hashType":"MD5","data":["` + md5("a") + `"]}`)
	second := b.create(`{"name":"b","hashType":"MD5","data":["` + md5("a") + `"]}`)
	for body, want := range map[string]int{
		`{"name":"a","hashType":"MD5","data":["` + md5("a") + `"]}`:                   409,
		`{"name":"","hashType":"MD5","data":["` + md5("a") + `"]}`:                    400,
		`{"name":"c","hashType":"SHA1","data":["` + strings.Repeat("a", 40) + `"]}`:   400,
		`{"name":"c","hashType":"SHA256","data":["` + md5("a") + `"]}`:                400,
		`{"name":"c","hashType":"MD5","data":[""]}`:                                   400,
		`{"name":"c","hashType":"MD5","data":[]}`:                                     400,
		`{"name":"c","hashType":"MD5"}`:                                               400,
		`{"name":"c","data":["` + md5("a") + `"]}`:                                    400,
		`{"name":"c","domainId":"x","hashType":"MD5","data":["` + md5("a") + `"]}`:    400,
		`{"name":"c","hashType":"MD5","data":[{"MD5":"` + md5("a") + `"}]}`:           400,
		`{"name":"c","hashType":"MD5","data":["` + md5("a") + `","` + md5("g") + `"]`: 400,
	} {
		require.Equal(t, want, b.do("POST", lists, body).status, body)
		require.Equal(t, want, b.do("POST", lists+"/"+second, body).status, body)
	}
	for _, data := range []string{`["` + md5("a") + `"]`, `[{}]`, `[{"SHA1":"` + strings.Repeat("a", 40) + `"}]`, `[{"MD5":"x"}]`, `[]`} {
		require.Equal(t, 400, b.v2("POST", lists, `{"name":"d","data":`+data+`}`).status, data)
	}
	require.Len(t, b.Lists(), 2)

	b = loggedIn(t, sepm.Options{EmptyLists: true})
	empty := b.create(`{"name":"c","hashType":"SHA256","data":[""]}`)
	require.Equal(t, []any{}, b.get(lists + "/" + empty).object(t)["data"])
}

func TestListOfBothTypes(t *testing.T) {
	for _, status := range []int{0, 422} {
		b := loggedIn(t, sepm.Options{TryV2Status: status})
		a := b.v2("POST", lists, fmt.Sprintf(`{"name":"mixed","data":[{"MD5":%q,"SHA256":%q},{"SHA256":%q}]}`, md5("a"), sha256("a"), sha256("b")))
		require.Equal(t, 200, a.status)
		made := fmt.Sprint(a.object(t)["id"])
		got := b.v2("GET", lists+"?name=mixed", "").object(t)
		require.NotContains(t, got, "hashType")
		require.JSONEq(t, fmt.Sprintf(`[{"MD5":%q,"SHA256":%q},{"SHA256":%q}]`, md5("A"), sha256("A"), sha256("B")), string(mustJSON(t, got["data"])))
		for _, a := range []answer{b.get(lists + "?name=mixed"), b.get(lists + "/" + made),
			b.do("POST", lists+"/"+made, `{"name":"mixed","hashType":"MD5","data":["`+md5("a")+`"]}`)} {
			want := 400
			if status != 0 {
				want = status
			}
			require.Equal(t, want, a.status)
			require.Equal(t, "This FingerprintList is not supported by V1, please try V2!", a.object(t)["errorMessage"])
		}
		require.Equal(t, 200, b.v2("POST", lists+"/"+made, `{"name":"mixed","data":[{"MD5":"`+md5("a")+`"}]}`).status)
		require.Equal(t, 200, b.get(lists+"/"+made).status, "one type again")
	}
	b := loggedIn(t, sepm.Options{NoV2: true})
	require.Equal(t, 404, b.v2("GET", lists+"?name=x", "").status)
}

func TestListsOfADomain(t *testing.T) {
	b := loggedIn(t, grouped())
	b.create(`{"name":"a","hashType":"MD5","data":["` + md5("a") + `"]}`)
	other := b.create(`{"name":"a","domainId":"` + id("B") + `","hashType":"MD5","data":["` + md5("b") + `"]}`)
	require.NotEqual(t, other, b.get(lists + "?name=a").object(t)["id"])
	require.Equal(t, other, b.get(lists + "?name=a&domainId=" + id("B")).object(t)["id"])
}

func TestDeleteList(t *testing.T) {
	b := loggedIn(t, grouped())
	made := b.create(`{"name":"a","hashType":"MD5","data":["` + md5("a") + `"]}`)
	require.Equal(t, 200, b.do("PUT", "/groups/"+id("E")+"/system-lockdown/fingerprints/"+made, "").status)
	a := b.do("DELETE", lists+"/"+made, "")
	require.Equal(t, 200, a.status)
	require.Empty(t, a.body)
	require.Empty(t, b.Lists())
	require.Equal(t, 410, b.do("DELETE", lists+"/"+made, "").status)
	got := b.get(lists + "/" + made)
	require.Equal(t, 200, got.status, "it can be read for a moment")
	require.Equal(t, []any{}, got.object(t)["groupIds"], "it is taken from its groups")
	b.clock.advance(2 * time.Second)
	require.Equal(t, 410, b.get(lists+"/"+made).status)

	b = loggedIn(t, sepm.Options{DeleteLag: -1})
	made = b.create(`{"name":"a","hashType":"MD5","data":["` + md5("a") + `"]}`)
	b.do("DELETE", lists+"/"+made, "")
	require.Equal(t, 410, b.get(lists+"?name=a").status)
}

func TestLockdown(t *testing.T) {
	b := loggedIn(t, grouped())
	made := b.create(`{"name":"a","hashType":"MD5","data":["` + md5("a") + `"]}`)
	foreign := b.create(`{"name":"a","domainId":"` + id("B") + `","hashType":"MD5","data":["` + md5("a") + `"]}`)
	assign := func(group, list string) int {
		a := b.do("PUT", "/groups/"+group+"/system-lockdown/fingerprints/"+list, "")
		require.Equal(t, a.status == 200, a.body == "")
		return a.status
	}
	require.Equal(t, 410, assign(id("9"), made))
	require.Equal(t, 400, assign(id("E"), id("9")))
	require.Equal(t, 400, assign(id("E"), foreign))
	require.Equal(t, 409, assign(id("F"), made), "it inherits")
	require.Equal(t, 200, assign(id("E"), made))
	require.Equal(t, 422, assign(id("E"), made), "assigned already")
	require.Equal(t, []any{id("E")}, b.get(lists + "/" + made).object(t)["groupIds"])
	require.Equal(t, []string{id("E")}, b.Lists()[0].Groups)

	root := fmt.Sprint(b.page("/groups").Content[0]["id"])
	require.True(t, b.SetLockdown(root, sepm.LockdownLocked))
	require.Equal(t, 423, assign(root, made))
	require.True(t, b.SetLockdown(root, sepm.LockdownOff))
	require.Equal(t, 422, assign(root, made))
	require.True(t, b.SetLockdown(root, sepm.LockdownOn))
	require.Equal(t, 200, assign(root, made))
	require.False(t, b.SetLockdown(id("9"), sepm.LockdownOn))
}

// TestPeopleMeanwhile: a person changes a list between a client's read and its
// write.
func TestPeopleMeanwhile(t *testing.T) {
	b := loggedIn(t, sepm.Options{})
	made := b.AddList(sepm.List{Name: "a", Hashes: []sepm.Hashes{{MD5: md5("a")}}})
	require.Equal(t, "CONSOLE", b.get(lists + "/" + made).object(t)["source"])
	b.Before("POST "+lists+"/{id}", func() {
		b.ChangeList(made, func(l *sepm.List) { l.Hashes = append(l.Hashes, sepm.Hashes{MD5: md5("b"), SHA256: sha256("b")}) })
	})
	a := b.do("POST", lists+"/"+made, `{"name":"a","hashType":"MD5","data":["`+md5("c")+`"]}`)
	require.Equal(t, 400, a.status)
	require.Contains(t, a.body, "please try V2", "it has both types now")
	require.Equal(t, []sepm.Hashes{{MD5: md5("A")}, {MD5: md5("B"), SHA256: sha256("B")}}, b.Lists()[0].Hashes)
	require.False(t, b.ChangeList(id("9"), func(*sepm.List) {}))
	require.False(t, b.DeleteList(id("9")))
}
