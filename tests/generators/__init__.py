"""Other tools that write JSON Schema documents; `install.sh` installs those of npm."""
