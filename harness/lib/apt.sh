# SPDX-License-Identifier: GPL-2.0
# Debian packages separate from the machine's own, which stay unchanged. Source it after
# common.sh.

# apt-get with lists and packages below $1, and with the sources there, if any
own_apt()
{
	local dir=$1 options

	shift
	options=(-q -o APT::Sandbox::User=root -o "Dir::State=$dir/state" -o "Dir::Cache=$dir/cache"
		-o "Dir::State::status=$dir/status")
	[ ! -d "$dir/sources" ] ||
		options+=(-o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$dir/sources")
	apt-get "${options[@]}" "$@"
}

new_apt()
{
	rm -rf "$1"
	mkdir -p "$1/state/lists/partial" "$1/cache/archives/partial"
	touch "$1/status"
}

# The mirror from which the machine gets Debian's packages
debian_mirror()
{
	local mirror

	# shellcheck disable=SC2016
	mirror=$(apt-get indextargets --format '$(ORIGIN)/$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
		awk '$1 == "Debian/Debian" && !url { url = $2 } END { print url }')
	[ -n "$mirror" ] || { echo "apt knows no mirror of Debian: run apt-get update" >&2; return 1; }
	echo "$mirror"
}

# Prepares $1 for packages of Debian's suite $2 and the type $3 (deb or deb-src), from
# the machine's Debian mirror.
new_suite()
{
	local dir=$1 mirror keys=/usr/share/keyrings/debian-archive-keyring.gpg

	new_apt "$dir"
	mirror=$(debian_mirror) || return
	[ -f "$keys" ] || { echo "there is no $keys: install debian-archive-keyring"; return 1; }
	mkdir "$dir/sources"
	printf '%s\n' "Types: $3" "URIs: $mirror" "Suites: $2" "Components: main" "Signed-By: $keys" \
		>"$dir/sources/debian.sources"
	own_apt "$dir" update
}
