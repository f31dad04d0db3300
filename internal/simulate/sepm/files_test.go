package sepm_test

import (
	"archive/zip"
	"bytes"
	cryptomd5 "crypto/md5"
	"crypto/sha1"
	cryptosha256 "crypto/sha256"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

// digests are the hashes of a content, by SEP's names.
func digests(content string) map[string]string {
	return map[string]string{"MD5": fmt.Sprintf("%x", cryptomd5.Sum([]byte(content))), "SHA1": fmt.Sprintf("%x", sha1.Sum([]byte(content))),
		"SHA256": fmt.Sprintf("%x", cryptosha256.Sum256([]byte(content)))}
}

// upload gives the status item of an upload from computer 1.
func (b *bench) upload(parameters string) map[string]any {
	b.t.Helper()
	made := b.command("files?computer_ids="+id("1")+"&"+parameters, "")
	require.Len(b.t, made, 1)
	b.through()
	return b.status(made["commandID"])[0]
}

func unpack(t *testing.T, data, name string) string {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	require.Len(t, z.File, 2)
	require.Equal(t, []string{name, "metadata.xml"}, []string{z.File[0].Name, z.File[1].Name})
	var content [][]byte
	for _, f := range z.File {
		r, err := f.Open()
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		content = append(content, data)
	}
	var metadata struct {
		File struct {
			Key byte `xml:"Key,attr"`
		} `xml:"File"`
	}
	require.NoError(t, xml.Unmarshal(content[1], &metadata))
	require.NotZero(t, metadata.File.Key)
	require.False(t, bytes.Contains(content[0], []byte("malware")), "it is hidden")
	for i := range content[0] {
		content[0][i] ^= metadata.File.Key
	}
	return string(content[0])
}

func TestUpload(t *testing.T) {
	b := loggedIn(t, infected())
	path := "file_path=" + query(`C:\temp\x & y.exe`)
	for kind, hash := range digests(bad) {
		item := b.upload(path + "&" + strings.ToLower(kind) + "=" + strings.ToUpper(hash))
		require.EqualValues(t, 3, item["stateId"])
		require.Equal(t, "", item["resultInXML"])
		fileID := fmt.Sprint(item["binaryFileId"])
		a := b.get("/command-queue/file/" + fileID + "/content")
		require.Equal(t, 200, a.status)
		require.Equal(t, bad, unpack(t, a.body, hash), "named by the hash that it was asked for by")
		details := b.get("/command-queue/file/" + fileID + "/details").object(t)
		require.Equal(t, map[string]any{"id": fileID, "fileSize": float64(len(a.body)), "checksum": strings.ToUpper(digests(a.body)["MD5"])}, details)
	}
	require.Equal(t, 200, b.get("/requested-files/"+strings.ToUpper(digests(bad)["SHA256"])+"/content").status)
	for _, path := range []string{"/requested-files/" + sha256("0") + "/content", "/command-queue/file/" + id("9") + "/content", "/command-queue/file/" + id("9") + "/details"} {
		require.Equal(t, 410, b.get(path).status)
	}
}

func TestUploadAsItWas(t *testing.T) {
	opt := infected()
	opt.PlainContent, opt.ChecksumOfFile = true, true
	b := loggedIn(t, opt)
	fileID := fmt.Sprint(b.upload("md5=" + digests(bad)["MD5"] + "&file_path=" + query(`C:\temp\x & y.exe`))["binaryFileId"])
	require.Equal(t, bad, b.get("/command-queue/file/"+fileID+"/content").body)
	require.Equal(t, map[string]any{"id": fileID, "fileSize": 7.0, "checksum": strings.ToUpper(digests(bad)["MD5"])}, b.get("/command-queue/file/"+fileID+"/details").object(t))
}

func TestUploadFromQuarantine(t *testing.T) {
	b := loggedIn(t, infected())
	sum := digests(bad)["SHA256"]
	b.scan(document(remediate, file("", "SHA256", sum)))
	path := "sha256=" + sum + "&file_path=" + query(`C:\temp\x & y.exe`)
	require.EqualValues(t, 6, b.upload(path)["stateId"], "it is not there any more")
	require.EqualValues(t, 3, b.upload(path + "&source=QUARANTINE")["stateId"])
	require.EqualValues(t, 3, b.upload(path + "&source=BOTH")["stateId"])
}

func TestUploadsThatFail(t *testing.T) {
	b := loggedIn(t, sepm.Options{Computers: []sepm.Computer{{Name: "A", ID: id("1"), Files: []sepm.File{
		{Path: `C:\a.txt`, Content: []byte("a")}, {Path: `C:\a.exe`, Content: []byte("a")}}}}})
	sum := "&md5=" + digests("a")["MD5"]
	for parameters, want := range map[string]float64{
		"file_path=" + query(`C:\a.txt`) + sum:                                   4, // executables only
		"file_path=" + query(`C:\b.exe`) + sum:                                   6,
		"file_path=" + query(`C:\a.exe`) + "&md5=" + md5("0"):                    6,
		"file_path=" + query(`C:\a.exe`) + sum + "&sha1=" + sha256("0"):          6,
		"file_path=" + query(`c:\A.EXE`) + sum + "&source=FILESYSTEM&group_ids=": 3,
	} {
		item := b.upload(parameters)
		require.Equal(t, want, item["stateId"], parameters)
		require.Equal(t, want == 3, item["binaryFileId"] != nil)
	}
	for _, parameters := range []string{"", "file_path=x", "file_path=x" + sum + "&source=DISK", sum} {
		require.Equal(t, 400, b.do("POST", "/command-queue/files?computer_ids="+id("1")+"&"+parameters, "").status, parameters)
	}
	require.Equal(t, 400, b.do("POST", "/command-queue/files?file_path=x"+sum+"&group_ids="+id("1"), "").status, "an upload takes no group")
}
