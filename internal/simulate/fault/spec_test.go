package fault_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/fault"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]fault.Switch{
		"reset":         {Kind: fault.Reset},
		"delay,wait=2s": {Kind: fault.Delay, Wait: 2 * time.Second},
		"status,method=POST,path=incidents/*/comments,one_in=5,times=2,code=500": {
			Kind: fault.Status, Method: "POST", Path: "incidents/*/comments", OneIn: 5, Remaining: 2, Code: 500},
		"late_change,late=200ms,hold=1s":              {Kind: fault.LateChange, Late: 200 * time.Millisecond, Hold: time.Second},
		"lost_reply,times=1":                          {Kind: fault.LostReply, Remaining: 1},
		"status,code=401,from=server,after=9,times=1": {Kind: fault.Status, Code: 401, FromServer: true, After: 9, Remaining: 1},
		"status,from=proxy":                           {Kind: fault.Status},
	} {
		got, err := fault.Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, []fault.Switch{want}, got, text)
	}
	all, err := fault.Parse("all")
	require.NoError(t, err)
	require.Equal(t, fault.All(), all)

	for text, want := range map[string]string{
		"":                      `there is no kind "": want one of delay, status, lost_reply, late_change, reset, all`,
		"dealy,wait=1s":         `there is no kind "dealy": want one of delay, status, lost_reply, late_change, reset, all`,
		"delay":                 "delay needs wait=: a time such as 500ms or 2s",
		"delay,wait=5":          `wait="5": want a time such as 500ms or 2s`,
		"delay,wait=-1s":        `wait="-1s": want a time such as 500ms or 2s`,
		"delay,wait=1s,code=5":  `delay takes no key "code": want one of wait, method, path, one_in, after, times`,
		"status,cod=500":        `status takes no key "cod": want one of code, from, method, path, one_in, after, times`,
		"status,code=200":       `code="200": want a status from 400 to 599`,
		"status,times=0":        `times="0": want a number from 1 up`,
		"status,one_in":         `one_in="": want a number from 1 up`,
		"status,one_in=2,":      `status takes no key "": want one of code, from, method, path, one_in, after, times`,
		"reset,times=1,times=2": "times is given twice",
		"reset,method=post":     `method="post": want one of GET, POST, PUT, PATCH, DELETE`,
		"reset,path=/":          `path="/": want the end of a path, such as incidents/*/comments`,
		"status,from=me":        `from="me": want proxy or server`,
		"all,one_in=3":          `all takes no key such as "one_in"`,
		"reset\x1b[2J":          `there is no kind "reset\x1b[2J": want one of delay, status, lost_reply, late_change, reset, all`,
	} {
		_, err := fault.Parse(text)
		require.EqualError(t, err, want)
	}
}
