package indicator_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/parse/indicator"
)

// pathCase is a text and the paths that stand in it.
type pathCase struct {
	text  string
	paths []string
}

var windowsPaths = []pathCase{
	{`C:\suspicious_exe.exe`, []string{`C:\suspicious_exe.exe`}},
	{`c:/windows/explorer.exe`, []string{`c:/windows/explorer.exe`}},
	{`Found e:\resharper 9.1 + keygen\resharper.8.x.keygen.exe today`, []string{`e:\resharper 9.1 + keygen\resharper.8.x.keygen.exe`}},
	{`The file C:\Program Files (x86)\Foo Bar\evil thing.exe was found.`, []string{`C:\Program Files (x86)\Foo Bar\evil thing.exe`}},
	{`C:\Users\bob\Nouveau document texte.txt`, []string{`C:\Users\bob\Nouveau document texte.txt`}},
	{`moved C:\a.exe to D:\Quarantine, then C:\b.exe.`, []string{`C:\a.exe`, `D:\Quarantine`, `C:\b.exe`}},
	{`C:\Windows connected to evil.com and C:\x evil.exe`, []string{`C:\Windows`, `C:\x evil.exe`}},
	{`C:\Temp and then it wrote a new evil.exe`, []string{`C:\Temp`}},
	{`C:\temp and \other C:\x, \y`, []string{`C:\temp`, `C:\x`}},
	{`(C:\setup (1).exe)`, []string{`C:\setup (1).exe`}},
	{`(see C:\Windows\Temp)`, []string{`C:\Windows\Temp`}},
	{`C:\Windows\System32 was changed by CORP\bob`, []string{`C:\Windows\System32`}},
	{`C:\PROGRA~1\EVIL~1.EXE`, []string{`C:\PROGRA~1\EVIL~1.EXE`}},
	{`C:\Пользователи\вирус.exe`, []string{`C:\Пользователи\вирус.exe`}},
	{"C:\\photo\u202egpj.exe", []string{"C:\\photo\u202egpj.exe"}},
	{`C:\evil.com\d41d8cd98f00b204e9800998ecf8427e\1.2.3.4\x.exe`, []string{`C:\evil.com\d41d8cd98f00b204e9800998ecf8427e\1.2.3.4\x.exe`}},
	// What is labelled or in quotes is taken whole.
	{"File path: C:\\Program Files\\My Thing\nUser: bob", []string{`C:\Program Files\My Thing`}},
	{"Target: C:\\a\\my evil thing\tUser: bob", []string{`C:\a\my evil thing`}},
	{`deleted "C:\Bob's Files\My Thing" and 'D:\Bob's.old\x y'`, []string{`C:\Bob's Files\My Thing`, `D:\Bob's.old\x y`}},
	{`„C:\Eigene Dateien\x y” «D:\a b»`, []string{`C:\Eigene Dateien\x y`, `D:\a b`}},
	{`"C:\a \\srv\share"`, []string{`C:\a`, `\\srv\share`}},
	{`"C:\Windows\system32\cmd.exe /c whoami"`, []string{`C:\Windows\system32\cmd.exe`}},
	{`Process: C:\Windows\svchost.exe -k netsvcs`, []string{`C:\Windows\svchost.exe`}},
	// Other roots.
	{`\\?\C:\very long\x.exe and \Device\HarddiskVolume2\x\y.exe`, []string{`\\?\C:\very long\x.exe`, `\Device\HarddiskVolume2\x\y.exe`}},
	{`\??\C:\x.sys \\.\pipe\evil \\?\UNC\srv\share\x.exe`, []string{`\??\C:\x.sys`, `\\.\pipe\evil`, `\\?\UNC\srv\share\x.exe`}},
	{`%TEMP%\x.exe, %ProgramFiles(x86)%\y.dll CSIDL_SYSTEM\drivers\z.sys`, []string{`%TEMP%\x.exe`, `%ProgramFiles(x86)%\y.dll`, `CSIDL_SYSTEM\drivers\z.sys`}},
	// Archive members and streams.
	{`C:\a.zip>>in.cab>>b\c.exe was found`, []string{`C:\a.zip>>in.cab>>b\c.exe`}},
	{`C:\a.txt:evil.exe C:\b.exe::$DATA C:\c.docx:Zone.Identifier`, []string{`C:\a.txt:evil.exe`, `C:\b.exe::$DATA`, `C:\c.docx:Zone.Identifier`}},
	{`C:\main.c:12: error, C:\x.exe: infected`, []string{`C:\main.c`, `C:\x.exe`}},
	{`C:\dir > out.txt`, []string{`C:\dir`}},
	// As programs write it.
	{`{"path":"C:\\Users\\bob\\x.exe"}`, []string{`C:\Users\bob\x.exe`}},
	// None.
	{`My Company\Default Group`, nil},
	{`Client Group: My Company\\Default Group\\Servers`, nil},
	{`CORP\bob HOST\share x:y a:\ C:\ C: ID:\x ABC:\x 1:\x`, nil},
	{`http://evil.example/C:/x.exe`, nil},
	{`C:\"x" C:\<x> C:\ x`, nil},
	{`%\x %% 50% \ and 10%\x`, nil},
}

var uncPaths = []pathCase{
	{`\\srv01\share$\x.dll`, []string{`\\srv01\share$\x.dll`}},
	{`copied to \\srv.example.local\My Share\x y.exe, done`, []string{`\\srv.example.local\My Share\x y.exe`}},
	{`\\10.1.2.3\c$\x.exe`, []string{`\\10.1.2.3\c$\x.exe`, `10.1.2.3`}},
	{`\\evil.com@SSL\dav\x.exe`, []string{`\\evil.com@SSL\dav\x.exe`, `evil.com`}},
	{`\\evil.com@SSL@8443\dav\x.exe \\evil.com@80\dav\y`, []string{`\\evil.com@SSL@8443\dav\x.exe`, `evil.com`, `\\evil.com@80\dav\y`}},
	{`\\2001-db8--1.ipv6-literal.net\share\x`, []string{`\\2001-db8--1.ipv6-literal.net\share\x`, `2001:db8::1`}},
	{`\\fe80--1s4.ipv6-literal.net\share\x`, []string{`\\fe80--1s4.ipv6-literal.net\share\x`, `fe80::1`}},
	{`"\\\\srv\\share\\x.exe"`, []string{`\\srv\share\x.exe`}},
	// None.
	{`\\srv \\srv\ \\\srv\share\x \\\\\srv\share`, nil},
	{`\\-srv\share\x \\.srv\share\x \\srv.\share\x \\s*v\share\x \\my srv\share\x`, nil},
	{`\\srv@TLS\share\x \\srv@\share\x \\srv@SSL@\share\x \\srv@123456\share\x`, nil},
	{`\\srv\\share\x \\\\srv\share\x`, nil},
	{`x\\srv\share http:\\srv\share`, nil},
}

var unixPaths = []pathCase{
	{`/tmp/eicar.txt`, []string{`/tmp/eicar.txt`}},
	{`/Users/bob/Library/LaunchAgents/evil.plist: quarantined`, []string{`/Users/bob/Library/LaunchAgents/evil.plist`}},
	{`(/etc/cron.d/evil), /usr/bin/x;rm`, []string{`/etc/cron.d/evil`, `/usr/bin/x`}},
	{`PATH=/usr/bin:/opt/evil/bin`, []string{`/usr/bin`, `/opt/evil/bin`}},
	{`/tmp/a b.sh`, []string{`/tmp/a`}},
	{`'/home/bob/my file.sh' was`, []string{`/home/bob/my file.sh`}},
	{"Location: /home/bob/my file.sh\n", []string{`/home/bob/my file.sh`}},
	{`/var/lib/a.zip>>b/c.exe`, []string{`/var/lib/a.zip>>b/c.exe`}},
	// None.
	{`and/or 10.0.0.0/24 n/a /24 / // /tmp /tmp/ /quick/brown 1/tmp/2 ${X}/lib/y a/etc/b`, nil},
	{`http://evil.example/tmp/x hxxp://evil.example/etc/x https[:]//evil[.]example/home/x`, nil},
	{`http://evil.example/?f=/etc/passwd&g=C:\x`, nil},
}

var registryKeys = []pathCase{
	{`HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Run was set`, []string{`HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Run`}},
	{`hkcu\Software\x, HKLM:\Software\y`, []string{`HKCU\Software\x`, `HKLM\Software\y`}},
	{`HKU\S-1-5-21-1-2-3-1001\Software\Run->evil`, []string{`HKU\S-1-5-21-1-2-3-1001\Software\Run`}},
	{`"HKLM\Software\My Evil Thing"`, []string{`HKLM\Software\My Evil Thing`}},
	{`HKLM\Software\Foo replaced HKCU\Software\Bar`, []string{`HKLM\Software\Foo`, `HKCU\Software\Bar`}},
	// None.
	{`HKLM HKLM\ HKXX\Software XHKLM\Software HKEY_\x HKLM/Software HKEY`, nil},
}

func TestPaths(t *testing.T) {
	t.Parallel()
	hosts := []incident.ArtifactType{incident.DNSName, incident.IPAddress}
	for name, test := range map[string]struct {
		cases []pathCase
		types []incident.ArtifactType
	}{
		"windows":  {windowsPaths, []incident.ArtifactType{incident.FilePath}},
		"unc":      {uncPaths, append(hosts, incident.FilePath)},
		"unix":     {unixPaths, []incident.ArtifactType{incident.FilePath}},
		"registry": {registryKeys, []incident.ArtifactType{incident.RegistryKey}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, c := range test.cases {
				require.Equal(t, c.paths, values(indicator.Find(c.text), test.types...), c.text)
			}
		})
	}
}

// values gives the values of the types, or of all types.
func values(found []indicator.Indicator, types ...incident.ArtifactType) (all []string) {
	for _, i := range found {
		if len(types) == 0 || slices.Contains(types, i.Type) {
			all = append(all, i.Value)
		}
	}
	return all
}

// TestPathAsItStands: a path is byte for byte what stands in the text, except
// where a program doubled its separators.
func TestPathAsItStands(t *testing.T) {
	t.Parallel()
	const text = "in \u200bC:\\a\u200bb\\x[.]exe and \"C:\\\\c\\\\d.exe\""
	found := indicator.Find(text)
	require.Len(t, found, 2)
	require.Equal(t, "C:\\a\u200bb\\x[.]exe", found[0].Value)
	require.Equal(t, found[0].Value, found[0].Raw)
	require.Equal(t, `C:\c\d.exe`, found[1].Value)
	require.Equal(t, `C:\\c\\d.exe`, found[1].Raw)
}
