BEGIN TRANSACTION;
CREATE TABLE kw_alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT kw_alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "kw_alembic_version" VALUES('0001');
CREATE TABLE kw_front (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	trial INTEGER NOT NULL, 
	hypervolume DOUBLE NOT NULL, 
	reference_params BIGINT NOT NULL, 
	reference_accuracy DOUBLE NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_kw_front PRIMARY KEY (id), 
	CONSTRAINT fk_kw_front_study_id FOREIGN KEY(study_id) REFERENCES kw_study (id), 
	CONSTRAINT uq_kw_front_study_id_number UNIQUE (study_id, number)
);
INSERT INTO "kw_front" VALUES(1,1,0,0,2.07602006688966838504e+02,60000,0.1,'2026-11-24 10:45:05.115000');
INSERT INTO "kw_front" VALUES(2,1,1,2,1.27619063545150788737e+03,60000,0.1,'2026-11-24 10:45:06.609000');
INSERT INTO "kw_front" VALUES(3,1,2,3,1.32377591973244443574e+03,60000,0.1,'2026-11-24 10:45:07.202000');
INSERT INTO "kw_front" VALUES(4,1,3,4,1.73129431438127357975e+03,60000,0.1,'2026-11-24 10:45:07.854000');
INSERT INTO "kw_front" VALUES(5,1,4,5,1.90274581939799577413e+03,60000,0.1,'2026-11-24 10:45:08.589000');
INSERT INTO "kw_front" VALUES(6,1,5,8,1.96256521739130675996e+03,60000,0.1,'2026-11-24 10:45:10.487000');
CREATE TABLE kw_front_member (
	front_id INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	CONSTRAINT pk_kw_front_member PRIMARY KEY (front_id, place), 
	CONSTRAINT fk_kw_front_member_front_id FOREIGN KEY(front_id) REFERENCES kw_front (id), 
	CONSTRAINT fk_kw_front_member_trial_id FOREIGN KEY(trial_id) REFERENCES kw_trial (id)
)
 WITHOUT ROWID

;
INSERT INTO "kw_front_member" VALUES(1,0,1);
INSERT INTO "kw_front_member" VALUES(2,0,1);
INSERT INTO "kw_front_member" VALUES(2,1,3);
INSERT INTO "kw_front_member" VALUES(3,0,1);
INSERT INTO "kw_front_member" VALUES(3,1,4);
INSERT INTO "kw_front_member" VALUES(3,2,3);
INSERT INTO "kw_front_member" VALUES(4,0,1);
INSERT INTO "kw_front_member" VALUES(4,1,4);
INSERT INTO "kw_front_member" VALUES(4,2,3);
INSERT INTO "kw_front_member" VALUES(4,3,5);
INSERT INTO "kw_front_member" VALUES(5,0,1);
INSERT INTO "kw_front_member" VALUES(5,1,6);
INSERT INTO "kw_front_member" VALUES(5,2,5);
INSERT INTO "kw_front_member" VALUES(6,0,1);
INSERT INTO "kw_front_member" VALUES(6,1,6);
INSERT INTO "kw_front_member" VALUES(6,2,5);
INSERT INTO "kw_front_member" VALUES(6,3,9);
CREATE TABLE kw_measurement (
	trial_id INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	accuracy DOUBLE NOT NULL, 
	accuracy_error DOUBLE NOT NULL, 
	loss DOUBLE NOT NULL, 
	images INTEGER NOT NULL, 
	seconds DOUBLE NOT NULL, 
	measured_at DATETIME NOT NULL, 
	CONSTRAINT pk_kw_measurement PRIMARY KEY (trial_id, epoch), 
	CONSTRAINT fk_kw_measurement_trial_id FOREIGN KEY(trial_id) REFERENCES kw_trial (id)
)
 WITHOUT ROWID

;
INSERT INTO "kw_measurement" VALUES(1,1,1,7.35785953177257590063e-02,1.50988698804981561624e-02,7.37941061056561942166e+00,299,0.294079867999244,'2026-11-24 10:45:04.812000');
INSERT INTO "kw_measurement" VALUES(1,2,1,1.0367892976588628795e-01,1.76295595196764645629e-02,2.62055886583432418035e+00,299,5.68989865001640282571e-01,'2026-11-24 10:45:05.089000');
INSERT INTO "kw_measurement" VALUES(2,1,1,8.6956521739130432369e-02,1.62952570264808110911e-02,2.30339375764396026013e+00,299,4.22545312998408917337e-01,'2026-11-24 10:45:05.617000');
INSERT INTO "kw_measurement" VALUES(2,2,1,9.69899665551839512689e-02,1.71148894615272099961e-02,2.28267124989215419716e+00,299,9.67091422997327754274e-01,'2026-11-24 10:45:06.166000');
INSERT INTO "kw_measurement" VALUES(3,1,1,9.69899665551839512689e-02,1.71148894615272099961e-02,2.30566294821870787501e+00,299,1.40234932001476408913e-01,'2026-11-24 10:45:06.393000');
INSERT INTO "kw_measurement" VALUES(3,2,1,1.27090301003344480212e-01,1.92621725744624612552e-02,2.28832843852076051049e+00,299,3.2236921200092183426e-01,'2026-11-24 10:45:06.575000');
INSERT INTO "kw_measurement" VALUES(4,1,1,1.1705685618729097519e-01,1.8592132385634143471e-02,2.82659603551887794736e+00,299,2.44137333000253420323e-01,'2026-11-24 10:45:06.899000');
INSERT INTO "kw_measurement" VALUES(4,2,1,1.10367892976588624631e-01,1.8121369079423844256e-02,2.39873950862717189025e+00,299,5.1798522599710850045e-01,'2026-11-24 10:45:07.177000');
INSERT INTO "kw_measurement" VALUES(5,1,1,1.13712374581939792972e-01,1.83592786315027074739e-02,2.35405586542698852525e+00,299,2.73776758000167319551e-01,'2026-11-24 10:45:07.525000');
INSERT INTO "kw_measurement" VALUES(5,2,1,1.40468227424749153575e-01,2.00948340679153285293e-02,2.30626406564948815969e+00,299,5.90428097999392775818e-01,'2026-11-24 10:45:07.838000');
INSERT INTO "kw_measurement" VALUES(6,1,1,0.0903010033444816,1.65752295483392597663e-02,3.13402924469131205498e+00,299,2.00403077000373741611e-01,'2026-11-24 10:45:08.103000');
INSERT INTO "kw_measurement" VALUES(6,2,1,1.27090301003344480212e-01,1.92621725744624612552e-02,2.69123141712750735266e+00,299,6.83672158997069345787e-01,'2026-11-24 10:45:08.581000');
INSERT INTO "kw_measurement" VALUES(7,1,1,1.07023411371237456291e-01,1.78782018943624866624e-02,2.30025226107300273525e+00,299,0.68745207900065,'2026-11-24 10:45:09.310000');
INSERT INTO "kw_measurement" VALUES(8,1,1,9.69899665551839512689e-02,1.71148894615272099961e-02,2.52898009039706073153e+00,299,2.89282060999539680778e-01,'2026-11-24 10:45:09.684000');
INSERT INTO "kw_measurement" VALUES(9,1,1,1.07023411371237456291e-01,1.78782018943624866624e-02,2.32950059308008,299,3.08807629997318144887e-01,'2026-11-24 10:45:10.077000');
INSERT INTO "kw_measurement" VALUES(9,2,1,1.43812709030100321916e-01,2.02930547909271653816e-02,2.34703820210094349363e+00,299,0.709903963997931,'2026-11-24 10:45:10.478000');
INSERT INTO "kw_measurement" VALUES(10,1,1,2.00668896321070239219e-02,8.10966011614115862837e-03,2.33448535900439946288e+00,299,2.29582338997715851292e-01,'2026-11-24 10:45:10.768000');
INSERT INTO "kw_measurement" VALUES(10,2,1,1.0367892976588628795e-01,1.76295595196764645629e-02,2.32989802023635,299,4.64577787999587599188e-01,'2026-11-24 10:45:11.003000');
INSERT INTO "kw_measurement" VALUES(11,1,1,1.1705685618729097519e-01,1.8592132385634143471e-02,2.30981007713180597207e+00,299,2.85117600000376114621e-01,'2026-11-24 10:45:11.407000');
INSERT INTO "kw_measurement" VALUES(11,2,1,8.6956521739130432369e-02,1.62952570264808110911e-02,2.30900222004073718551e+00,299,6.81686315998376812785e-01,'2026-11-24 10:45:11.804000');
INSERT INTO "kw_measurement" VALUES(12,1,1,1.20401337792642143531e-01,1.88201180028203067517e-02,2.30362486117783138439e+00,299,6.65933476000645896419e-01,'2026-11-24 10:45:12.591000');
INSERT INTO "kw_measurement" VALUES(12,2,1,1.20401337792642143531e-01,1.88201180028203067517e-02,2.46227591915182353332e+00,299,1.17394680900179082527e+00,'2026-11-24 10:45:13.099000');
CREATE TABLE kw_study (
	id INTEGER NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	settings JSON NOT NULL, 
	backbone JSON NOT NULL, 
	seed BIGINT NOT NULL, 
	trials INTEGER NOT NULL, 
	reference_params BIGINT NOT NULL, 
	reference_accuracy DOUBLE NOT NULL, 
	version VARCHAR(64) NOT NULL, 
	created_at DATETIME NOT NULL, 
	lease_owner TEXT, 
	lease_until DATETIME, 
	CONSTRAINT pk_kw_study PRIMARY KEY (id), 
	CONSTRAINT uq_kw_study_name UNIQUE (name)
);
INSERT INTO "kw_study" VALUES(1,'q','{"name":"q","space":{"backbone":"resnet8x0.25","exclude":[],"addresses":{},"granularity":"network","cell_num_ratio":{"low":0.125,"high":4.0,"log":true},"cell_inplane_ratio":1.0,"cell_outplane_ratio":[0.5,1.0],"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["none","stage"],"spatial_partition":true},"budget":{"max_params":60000,"min_params":null,"max_macs":null,"min_macs":null},"proxy":{"data":"digits","folder":null,"download":false,"image_size":null,"epochs":[1,2],"validation_share":0.2,"batch_size":256,"learning_rate":0.1,"momentum":0.9,"weight_decay":0.0005,"warmup_epochs":0.5,"temperature_share":0.1111111111111111,"gradient_clip":null,"label_smoothing":0.0,"crop_padding":0,"flip":false,"dtype":"float32","way":"auto"},"search":{"sampler":"tpe","trials":12,"seed":0,"promotion":"halving","eta":3.0},"execution":{"executor":"serial","threads":1},"images":"6e31d1b935b78efebfbea439686b18c519fb540e7a00ff1d3ec4121472e0e413"}','{"name":"resnet8x0.25","num_classes":10,"in_channels":1,"input_size":[8,8],"sites":[{"name":"layer1.0.conv1","address":"stage0_layer0_conv0","kind":"conv","in_channels":4,"out_channels":4,"kernel":[3,3],"groups":1,"bias":false,"positions":64,"stride":[1,1]},{"name":"layer1.0.conv2","address":"stage0_layer0_conv1","kind":"conv","in_channels":4,"out_channels":4,"kernel":[3,3],"groups":1,"bias":false,"positions":64,"stride":[1,1]},{"name":"layer2.0.conv1","address":"stage0_layer1_conv0","kind":"conv","in_channels":4,"out_channels":8,"kernel":[3,3],"groups":1,"bias":false,"positions":16,"stride":[2,2]},{"name":"layer2.0.conv2","address":"stage1_layer0_conv1","kind":"conv","in_channels":8,"out_channels":8,"kernel":[3,3],"groups":1,"bias":false,"positions":16,"stride":[1,1]},{"name":"layer3.0.conv1","address":"stage1_layer1_conv0","kind":"conv","in_channels":8,"out_channels":16,"kernel":[3,3],"groups":1,"bias":false,"positions":4,"stride":[2,2]},{"name":"layer3.0.conv2","address":"stage2_layer0_conv1","kind":"conv","in_channels":16,"out_channels":16,"kernel":[3,3],"groups":1,"bias":false,"positions":4,"stride":[1,1]}],"plain_params":326,"plain_macs":2464,"attention_norm":"batch","plain_layers":[]}',0,12,60000,0.1,'0.1.0','2026-11-24 10:44:57.376000',NULL,NULL);
CREATE TABLE kw_tally (
	study_id INTEGER NOT NULL, 
	waiting INTEGER NOT NULL, 
	running INTEGER NOT NULL, 
	complete INTEGER NOT NULL, 
	stopped INTEGER NOT NULL, 
	failed INTEGER NOT NULL, 
	infeasible INTEGER NOT NULL, 
	over_budget INTEGER NOT NULL, 
	under_budget INTEGER NOT NULL, 
	known INTEGER NOT NULL, 
	epochs BIGINT NOT NULL, 
	seconds DOUBLE NOT NULL, 
	front_id INTEGER, 
	unit VARCHAR(32), 
	CONSTRAINT pk_kw_tally PRIMARY KEY (study_id), 
	CONSTRAINT fk_kw_tally_study_id FOREIGN KEY(study_id) REFERENCES kw_study (id), 
	CONSTRAINT fk_kw_tally_front_id FOREIGN KEY(front_id) REFERENCES kw_front (id)
);
INSERT INTO "kw_tally" VALUES(1,0,0,10,2,0,0,11,0,0,22,7.65738499999133637174e+00,6,'eee16859e25e4bd0a6a3db9ef6258eba');
CREATE TABLE kw_trial (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	config TEXT NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	params BIGINT NOT NULL, 
	macs BIGINT NOT NULL, 
	seed BIGINT NOT NULL, 
	attempt INTEGER NOT NULL, 
	choices JSON NOT NULL, 
	sampler_state JSON NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	cause TEXT, 
	detail TEXT, 
	worker TEXT, 
	epochs INTEGER NOT NULL, 
	accuracy DOUBLE, 
	accuracy_error DOUBLE, 
	loss DOUBLE, 
	seconds DOUBLE NOT NULL, 
	started_at DATETIME NOT NULL, 
	finished_at DATETIME, 
	place INTEGER, 
	front_id INTEGER, 
	CONSTRAINT pk_kw_trial PRIMARY KEY (id), 
	CONSTRAINT fk_kw_trial_study_id FOREIGN KEY(study_id) REFERENCES kw_study (id), 
	CONSTRAINT fk_kw_trial_front_id FOREIGN KEY(front_id) REFERENCES kw_front (id), 
	CONSTRAINT uq_kw_trial_study_id_number UNIQUE (study_id, number), 
	CONSTRAINT uq_kw_trial_study_id_digest UNIQUE (study_id, digest), 
	CONSTRAINT ck_kw_trial_ck_kw_trial_state CHECK (state IN ('waiting', 'running', 'complete', 'stopped', 'failed')), 
	CONSTRAINT ck_kw_trial_ck_kw_trial_attempt CHECK (attempt >= 1)
);
INSERT INTO "kw_trial" VALUES(1,1,0,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.2211,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','f6196b8e0f833a15d0fbdaaada5040b6e383d526d4e70086a9c61f14136c883b',3570,55584,1897270328,1,'{"cell_num_ratio":0.2211,"cell_outplane_ratio":1.0,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":0.2211,"cell_outplane_ratio":1.0,"sharing_range":"none"}}','complete',NULL,NULL,'vm:22428',2,1.0367892976588628795e-01,1.76295595196764645629e-02,2.62055886583432418035e+00,5.68989865001640282571e-01,'2026-11-24 10:45:04.468000','2026-11-24 10:45:05.115000',0,1);
INSERT INTO "kw_trial" VALUES(2,1,1,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":1.555,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','3f6084b01ae6d27c64a6dc3deb4961d0757e8ee28b70f67fed42ca748b5fe1d2',59542,222048,1799856893,1,'{"cell_num_ratio":1.555,"cell_outplane_ratio":0.5,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":1.555,"cell_outplane_ratio":0.5,"sharing_range":"none"}}','complete',NULL,NULL,'vm:22428',2,9.69899665551839512689e-02,1.71148894615272099961e-02,2.28267124989215419716e+00,9.67091422997327754274e-01,'2026-11-24 10:45:05.155000','2026-11-24 10:45:06.183000',1,1);
INSERT INTO "kw_trial" VALUES(3,1,2,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.3285,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','dd7afb09922aa52e593352ee768556974a7d28b0d47d993ddd102f6cc81d9c8d',14356,85248,3111086153,1,'{"cell_num_ratio":0.3285,"cell_outplane_ratio":1.0,"sharing_range":"stage"}','{"fixed_params":{"cell_num_ratio":0.3285,"cell_outplane_ratio":1.0,"sharing_range":"stage"}}','complete',NULL,NULL,'vm:22428',2,1.27090301003344480212e-01,1.92621725744624612552e-02,2.28832843852076051049e+00,3.2236921200092183426e-01,'2026-11-24 10:45:06.201000','2026-11-24 10:45:06.609000',2,2);
INSERT INTO "kw_trial" VALUES(4,1,3,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.1362,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','52fcec50b8fab76b781d1493694d5c1237df32d575684d7e3f8802ba52ac0e93',7242,63648,4238792726,1,'{"cell_num_ratio":0.1362,"cell_outplane_ratio":0.5,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":0.1362,"cell_outplane_ratio":0.5,"sharing_range":"none"}}','complete',NULL,NULL,'vm:22428',2,1.10367892976588624631e-01,1.8121369079423844256e-02,2.39873950862717189025e+00,5.1798522599710850045e-01,'2026-11-24 10:45:06.631000','2026-11-24 10:45:07.202000',3,3);
INSERT INTO "kw_trial" VALUES(5,1,4,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.1837,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','24649767f0ff1d432410c90661e56579344a9a427fee16d28ebd2e3f514373f7',29538,105120,960389663,1,'{"cell_num_ratio":0.1837,"cell_outplane_ratio":0.5,"sharing_range":"stage"}','{"fixed_params":{"cell_num_ratio":0.1837,"cell_outplane_ratio":0.5,"sharing_range":"stage"}}','complete',NULL,NULL,'vm:22428',2,1.40468227424749153575e-01,2.00948340679153285293e-02,2.30626406564948815969e+00,5.90428097999392775818e-01,'2026-11-24 10:45:07.227000','2026-11-24 10:45:07.854000',4,4);
INSERT INTO "kw_trial" VALUES(6,1,5,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.2392,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','461db13b4d1231061a7fc9db847886796be17293e433192d1b76d7af926eaa00',5000,61056,3251194696,1,'{"cell_num_ratio":0.2392,"cell_outplane_ratio":1.0,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":0.2392,"cell_outplane_ratio":1.0,"sharing_range":"none"}}','complete',NULL,NULL,'vm:22428',2,1.27090301003344480212e-01,1.92621725744624612552e-02,2.69123141712750735266e+00,6.83672158997069345787e-01,'2026-11-24 10:45:07.872000','2026-11-24 10:45:08.589000',5,5);
INSERT INTO "kw_trial" VALUES(7,1,6,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":1.466,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','3705f120f6329aec5fd5cb4c633615916661d408db384b0418ac2162ab4989f9',20730,121248,16836653,1,'{"cell_num_ratio":1.466,"cell_outplane_ratio":1.0,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":1.466,"cell_outplane_ratio":1.0,"sharing_range":"none"}}','stopped','promotion','Place 6 of 7 in front 2, with room for 3: trial 3 reached 11.71% with 7,242 parameters, this one 10.70% with 20,730.','vm:22428',1,1.07023411371237456291e-01,1.78782018943624866624e-02,2.30025226107300273525e+00,0.68745207900065,'2026-11-24 10:45:08.601000','2026-11-24 10:45:09.322000',6,5);
INSERT INTO "kw_trial" VALUES(8,1,7,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.217,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','378331d5083f4a4205e489aa95d2528687ced60f1befe72c3c49256a5887acb5',9866,71712,105303243,1,'{"cell_num_ratio":0.217,"cell_outplane_ratio":1.0,"sharing_range":"stage"}','{"fixed_params":{"cell_num_ratio":0.217,"cell_outplane_ratio":1.0,"sharing_range":"stage"}}','stopped','promotion','Place 4 of 8 in front 2, with room for 3: trial 3 reached 11.71% with 7,242 parameters, this one 9.70% with 9,866.','vm:22428',1,9.69899665551839512689e-02,1.71148894615272099961e-02,2.52898009039706073153e+00,2.89282060999539680778e-01,'2026-11-24 10:45:09.341000','2026-11-24 10:45:09.715000',7,5);
INSERT INTO "kw_trial" VALUES(9,1,8,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.2707,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','782671aff6cd7b59122e1795f8b617459626bd038227556fe99c67da163c36b6',42114,131040,1278045481,1,'{"cell_num_ratio":0.2707,"cell_outplane_ratio":0.5,"sharing_range":"stage"}','{"fixed_params":{"cell_num_ratio":0.2707,"cell_outplane_ratio":0.5,"sharing_range":"stage"}}','complete',NULL,NULL,'vm:22428',2,1.43812709030100321916e-01,2.02930547909271653816e-02,2.34703820210094349363e+00,0.709903963997931,'2026-11-24 10:45:09.733000','2026-11-24 10:45:10.487000',8,6);
INSERT INTO "kw_trial" VALUES(10,1,9,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.4245,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":[],"spatial_partition":true}','e67bd22cb16c0d721fb946039091e66c07122aac1bda8d13c33b847c0833532e',6430,66528,1501807713,1,'{"cell_num_ratio":0.4245,"cell_outplane_ratio":1.0,"sharing_range":"none"}','{"fixed_params":{"cell_num_ratio":0.4245,"cell_outplane_ratio":1.0,"sharing_range":"none"}}','complete',NULL,NULL,'vm:22428',2,1.0367892976588628795e-01,1.76295595196764645629e-02,2.32989802023635,4.64577787999587599188e-01,'2026-11-24 10:45:10.504000','2026-11-24 10:45:11.026000',9,6);
INSERT INTO "kw_trial" VALUES(11,1,10,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.8592,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','dad3b8e9abaa91917a26887361f73d52b4da82c59eeb38db9b970185c8cd0a32',36178,151776,2348607387,1,'{"cell_num_ratio":0.8591575759753615,"cell_outplane_ratio":1.0,"sharing_range":"stage"}','{"tpe:relative_params:0":"{\"cell_num_ratio\": 0.8591575759753615, \"cell_outplane_ratio\": 1.0, \"sharing_range\": \"stage\"}"}','complete',NULL,NULL,'vm:22428',2,8.6956521739130432369e-02,1.62952570264808110911e-02,2.30900222004073718551e+00,6.81686315998376812785e-01,'2026-11-24 10:45:11.092000','2026-11-24 10:45:11.822000',10,6);
INSERT INTO "kw_trial" VALUES(12,1,11,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.1531,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','f35edd8b64333de27be8c76939b4f8edbec64c433197f308cd4717feb9f40c94',25690,96480,2075961671,1,'{"cell_num_ratio":0.15314577825267023,"cell_outplane_ratio":0.5,"sharing_range":"stage"}','{"tpe:relative_params:0":"{\"cell_num_ratio\": 0.15314577825267023, \"cell_outplane_ratio\": 0.5, \"sharing_range\": \"stage\"}"}','complete',NULL,NULL,'vm:22428',2,1.20401337792642143531e-01,1.88201180028203067517e-02,2.46227591915182353332e+00,1.17394680900179082527e+00,'2026-11-24 10:45:11.863000','2026-11-24 10:45:13.125000',11,6);
CREATE INDEX ix_kw_trial_study_id_state_number ON kw_trial (study_id, state, number);
CREATE VIEW kw_current_front AS 
        SELECT s.name AS study, m.place, t.number AS trial, t.params, t.macs, t.accuracy,
               t.accuracy_error, t.digest, t.config
        FROM kw_study s
        JOIN kw_tally y ON y.study_id = s.id
        JOIN kw_front_member m ON m.front_id = y.front_id
        JOIN kw_trial t ON t.id = m.trial_id;
CREATE VIEW kw_trials_flat AS 
        SELECT s.name AS study, t.number AS trial, t.state, t.cause, t.detail, t.params, t.macs,
               t.epochs, t.accuracy, t.accuracy_error, t.loss, t.seconds, t.attempt, t.worker,
               t.started_at, t.finished_at, t.place AS finished_as, f.hypervolume, t.digest,
               t.config
        FROM kw_study s
        JOIN kw_trial t ON t.study_id = s.id
        LEFT JOIN kw_front f ON f.id = t.front_id;
CREATE VIEW kw_hypervolume_history AS 
        SELECT s.name AS study, f.number AS front, f.trial, f.hypervolume, f.reference_params,
               f.reference_accuracy, f.created_at,
               (SELECT count(*) FROM kw_front_member m WHERE m.front_id = f.id) AS members
        FROM kw_study s
        JOIN kw_front f ON f.study_id = s.id;
COMMIT;
